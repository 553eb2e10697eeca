#include "text/jinja/text_work.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/jinja/text_form.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

Value part(std::string_view text, Budget& budget) {
  budget.steps();
  budget.bytes(text.size());
  return Value::text(std::string(text));
}

/// The bytes of the whitespace at the start of `text`.
size_t leading_space(std::string_view text) {
  return text.size() - stripped(text, nullptr, true, false).size();
}

/// The bytes before the first whitespace of `text`.
size_t leading_word(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = utf8_length_at(text, at);
    if (is_space(utf8_decode(text, at, length))) break;
    at += length;
  }
  return at;
}

/// The bytes after the last whitespace of `text`.
size_t trailing_word(std::string_view text) {
  size_t start = text.size();
  while (start > 0) {
    size_t previous = start - 1;
    while (previous > 0 && (static_cast<unsigned char>(text[previous]) & 0xC0U) == 0x80U) --previous;
    if (is_space(utf8_decode(text, previous, start - previous))) break;
    start = previous;
  }
  return text.size() - start;
}

std::vector<Value> split_words(std::string_view text, int64_t limit, bool from_right, Budget& budget) {
  std::vector<Value> parts;
  text = stripped(text, nullptr, !from_right, from_right);
  while (!text.empty()) {
    if (limit >= 0 && static_cast<int64_t>(parts.size()) == limit) {
      parts.push_back(part(stripped(text, nullptr, !from_right, from_right), budget));
      break;
    }
    const size_t length = from_right ? trailing_word(text) : leading_word(text);
    parts.push_back(part(from_right ? text.substr(text.size() - length) : text.substr(0, length), budget));
    if (from_right) {
      text = stripped(text.substr(0, text.size() - length), nullptr, false, true);
    } else {
      text.remove_prefix(length);
      text.remove_prefix(leading_space(text));
    }
  }
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

bool ends_line(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

std::string replaced(const std::string& text, const std::string& old_part, const std::string& new_part,
                     int64_t count, Budget& budget) {
  std::string out;
  size_t at = 0;
  const auto put = [&](std::string_view piece) {
    budget.bytes(piece.size());
    out += piece;
  };
  while (count != 0) {
    // An empty part stands before every code point and at the end.
    const size_t found = old_part.empty() ? at : text.find(old_part, at);
    if (found == std::string::npos) break;
    budget.steps();
    put(std::string_view(text).substr(at, found - at));
    put(new_part);
    at = found + old_part.size();
    if (count > 0) --count;
    if (!old_part.empty()) continue;
    if (at == text.size()) return out;
    const size_t next = at + byte_offset(std::string_view(text).substr(at), 1);
    put(std::string_view(text).substr(at, next - at));
    at = next;
  }
  put(std::string_view(text).substr(at));
  return out;
}

std::vector<Value> split(const std::string& text, const std::string* separator, int64_t limit,
                         bool from_right, Budget& budget) {
  if (separator == nullptr) return split_words(text, limit, from_right, budget);
  if (separator->empty()) problem("a text cannot be split at an empty separator");
  std::vector<Value> parts;
  std::string_view rest = text;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t found = from_right ? rest.rfind(*separator) : rest.find(*separator);
    if (found == std::string_view::npos) break;
    const size_t after = found + separator->size();
    parts.push_back(part(from_right ? rest.substr(after) : rest.substr(0, found), budget));
    rest = from_right ? rest.substr(0, found) : rest.substr(after);
  }
  parts.push_back(part(rest, budget));
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Value> split_lines(const std::string& text, bool keep_ends, Budget& budget) {
  std::vector<Value> lines;
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length_at(text, at);
    size_t after = at + length;
    if (ends_line(utf8_decode(text, at, length))) {
      if (text[at] == '\r' && after < text.size() && text[after] == '\n') ++after;
      lines.push_back(part(std::string_view(text).substr(start, (keep_ends ? after : at) - start), budget));
      start = after;
    }
    at = after;
  }
  if (start < text.size()) lines.push_back(part(std::string_view(text).substr(start), budget));
  return lines;
}

std::string joined_text(const std::vector<Value>& items, const std::string& separator, bool only_texts,
                        Budget& budget) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (only_texts && items[i].as_text() == nullptr)
      problem("join takes texts, and item ", i, " is a ", items[i].type_name());
    if (i > 0) {
      budget.bytes(separator.size());
      out += separator;
    }
    out += to_text(items[i], budget);
  }
  return out;
}

}  // namespace caravan::jinja
