#include "text/grammar/regex_classes.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"

namespace caravan::grammar {

namespace {

const CharRanges& digits() {
  static const CharRanges kSet = {{'0', '9'}};
  return kSet;
}

const CharRanges& word() {
  static const CharRanges kSet = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return kSet;
}

const CharRanges& ascii_spaces() {
  static const CharRanges kSet = {{'\t', '\r'}, {' ', ' '}};
  return kSet;
}

/// Every character that some dialect counts as a space.
const CharRanges& unicode_spaces() {
  static const CharRanges kSet = {{'\t', '\r'},     {' ', ' '},       {0x85, 0x85},     {0xA0, 0xA0},
                                  {0x1680, 0x1680}, {0x180E, 0x180E}, {0x2000, 0x200A}, {0x2028, 0x2029},
                                  {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return kSet;
}

bool is_single(const CharRanges& set) { return set.size() == 1 && set[0].first == set[0].last; }

}  // namespace

char RegexReader::peek(size_t ahead) const {
  return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
}

bool RegexReader::take(std::string_view text) {
  if (!starts_with(text)) return false;
  at_ += text.size();
  return true;
}

void RegexReader::wrong(const std::string& what) const { fail(*source_, ": at byte ", at_, ": ", what); }

char32_t RegexReader::character() {
  const size_t length = utf8_length_at(pattern_, at_);
  const char32_t c = utf8_decode(pattern_, at_, length);
  at_ += length;
  return c;
}

std::optional<uint64_t> RegexReader::number() {
  const size_t begin = at_;
  uint64_t value = 0;
  for (; peek() >= '0' && peek() <= '9'; ++at_) {
    value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(peek() - '0'), 1'000'000'000);
  }
  return at_ == begin ? std::nullopt : std::optional(value);
}

char32_t RegexReader::hex_digits(size_t count, std::string_view what) {
  char32_t value = 0;
  for (size_t i = 0; i < count; ++i, ++at_) {
    const std::string_view digits_of = "0123456789abcdef";
    const char lower = peek() >= 'A' && peek() <= 'F' ? static_cast<char>(peek() + ('a' - 'A')) : peek();
    const size_t digit = digits_of.find(lower);
    if (at_end() || digit == std::string_view::npos) wrong("expected " + std::string(what));
    value = value * 16 + static_cast<char32_t>(digit);
  }
  return value;
}

char32_t RegexReader::hexadecimal(char letter) {
  char32_t value = 0;
  if (take("{")) {
    const size_t end = pattern_.find('}', at_);
    const size_t count = end == std::string_view::npos ? 0 : end - at_;
    if (count < 1 || count > 6) wrong("expected 1 to 6 hexadecimal digits and }");
    value = hex_digits(count, "hexadecimal digits and }");
    ++at_;
  } else {
    const size_t count = letter == 'x' ? 2 : 4;
    value = hex_digits(count, letter == 'x' ? "2 hexadecimal digits" : "4 hexadecimal digits");
    // A pair of escaped surrogates is one character.
    if (value >= 0xD800 && value < 0xDC00 && take("\\u")) {
      const char32_t low = hex_digits(4, "4 hexadecimal digits");
      if (low < 0xDC00 || low > 0xDFFF)
        wrong("expected the low surrogate that belongs to the high one before");
      value = 0x10000 + ((value - 0xD800) << 10U) + (low - 0xDC00);
    }
  }
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    wrong("the escape before is no Unicode character");
  return value;
}

CharRanges RegexReader::escape(bool negated, bool in_class) {
  if (at_end()) wrong("nothing follows the \\, expected what it escapes");
  const char c = peek();
  if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
    const char32_t whole = character();
    return {{whole, whole}};
  }
  const auto one = [](char32_t code) { return CharRanges{{code, code}}; };
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  if (c >= '1' && c <= '9') wrong(std::string("the back-reference \\") + c + " is not supported");
  if (c == '0' && peek(1) >= '0' && peek(1) <= '9') wrong("octal escapes are not supported, expected \\xHH");
  ++at_;
  if (!is_letter) return one(static_cast<char32_t>(c));
  constexpr std::string_view kControls("0\0f\fn\nr\rt\tv\v", 12);
  for (size_t i = 0; i < kControls.size(); i += 2) {
    if (c == kControls[i]) return one(static_cast<char32_t>(kControls[i + 1]));
  }
  switch (c) {
    case 'd':
      return digits();
    case 'D':
      return complement(digits());
    case 'w':
      return word();
    case 'W':
      return complement(word());
    case 's':
      return negated ? unicode_spaces() : ascii_spaces();
    case 'S':
      return complement(negated ? ascii_spaces() : unicode_spaces());
    case 'x':
    case 'u':
      return one(hexadecimal(c));
    case 'b':
      if (in_class) return one('\b');
      break;
    default:
      break;
  }
  --at_;
  wrong(std::string("\\") + c + " is not supported");
}

CharRanges RegexReader::class_item(bool negated) {
  if (take("\\")) return escape(negated, true);
  const char32_t c = character();
  return {{c, c}};
}

CharRanges RegexReader::bracketed() {
  const bool negated = take("^");
  if (peek() == ']') wrong("the class is empty, expected a character (and \\] for the bracket itself)");
  CharRanges set;
  while (!take("]")) {
    if (at_end()) wrong("the class has no end, expected ]");
    if (starts_with("[:") || starts_with("[=") || starts_with("[.")) {
      wrong("POSIX classes such as [:alpha:] are not supported (write \\[ for the bracket itself)");
    }
    CharRanges item = class_item(negated);
    if (peek() == '-' && peek(1) != ']' && at_ + 1 < pattern_.size()) {
      ++at_;
      const CharRanges last = class_item(negated);
      if (!is_single(item) || !is_single(last))
        wrong("a range goes from one character to one, expected \\- here");
      if (last[0].first < item[0].first) wrong("the range before goes backwards");
      item = {{item[0].first, last[0].first}};
    }
    set.insert(set.end(), item.begin(), item.end());
  }
  set = normalized(set);
  return negated ? complement(set) : set;
}

CharRanges RegexReader::set() {
  if (take("\\")) return escape(false, false);
  if (take("[")) return bracketed();
  if (take(".")) return complement({{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}});
  const char32_t c = character();
  return {{c, c}};
}

}  // namespace caravan::grammar
