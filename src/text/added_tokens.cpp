#include "text/added_tokens.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/utf8.h"

namespace caravan {

namespace {

bool is_word_character(char32_t character) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

bool is_space(char32_t character) {
  return (character >= 0x9 && character <= 0xD) || character == 0x20 || character == 0x85 ||
         character == 0xA0 || character == 0x1680 || (character >= 0x2000 && character <= 0x200A) ||
         character == 0x2028 || character == 0x2029 || character == 0x202F || character == 0x205F ||
         character == 0x3000;
}

/// Where the character that ends at `end` begins.
size_t previous_start(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

bool ends_with_word(std::string_view text, size_t end) {
  if (end == 0) return false;
  const size_t at = previous_start(text, end);
  return is_word_character(utf8_decode(text, at, end - at));
}

bool starts_with_word(std::string_view text, size_t at) {
  if (at >= text.size()) return false;
  return is_word_character(utf8_decode(text, at, std::max<size_t>(1, utf8_length_at(text, at))));
}

/// The start of the run of spaces that ends at `end`, no further back than `limit`.
size_t spaces_before(std::string_view text, size_t end, size_t limit) {
  while (end > limit) {
    const size_t at = previous_start(text, end);
    if (!is_space(utf8_decode(text, at, end - at))) break;
    end = at;
  }
  return std::max(end, limit);
}

size_t spaces_after(std::string_view text, size_t at) {
  while (at < text.size()) {
    const size_t length = std::max<size_t>(1, utf8_length_at(text, at));
    if (!is_space(utf8_decode(text, at, length))) break;
    at += length;
  }
  return at;
}

}  // namespace

void AddedTokenFinder::add(const std::string& pattern, const AddedToken& token) {
  if (pattern.empty()) return;
  by_pattern_[pattern] = token;
  std::vector<size_t>& lengths = lengths_.at(static_cast<unsigned char>(pattern[0]));
  if (std::find(lengths.begin(), lengths.end(), pattern.size()) != lengths.end()) return;
  lengths.push_back(pattern.size());
  std::sort(lengths.rbegin(), lengths.rend());
}

const AddedToken* AddedTokenFinder::longest_at(std::string_view text, size_t at, size_t& length) const {
  for (const size_t candidate : lengths_.at(static_cast<unsigned char>(text[at]))) {
    if (candidate > text.size() - at) continue;
    const auto found = by_pattern_.find(std::string(text.substr(at, candidate)));
    if (found == by_pattern_.end()) continue;
    length = candidate;
    return &found->second;
  }
  return nullptr;
}

std::vector<Segment> AddedTokenFinder::split(std::string_view text, bool parse_special) const {
  std::vector<Segment> segments;
  size_t done = 0;  // everything before it is in a segment already
  size_t at = 0;
  while (at < text.size()) {
    size_t length = 0;
    const AddedToken* token = longest_at(text, at, length);
    if (token == nullptr) {
      ++at;
      continue;
    }
    size_t begin = at;
    size_t end = at + length;
    at = end;
    if (token->special && !parse_special) continue;
    if (token->single_word && (ends_with_word(text, begin) || starts_with_word(text, end))) continue;
    if (begin < done) continue;
    if (token->lstrip) begin = spaces_before(text, begin, done);
    if (token->rstrip) end = spaces_after(text, end);
    if (begin > done) segments.push_back({std::nullopt, done, begin});
    segments.push_back({token->id, begin, end});
    done = end;
    at = std::max(at, done);
  }
  if (done < text.size()) segments.push_back({std::nullopt, done, text.size()});
  return segments;
}

}  // namespace caravan
