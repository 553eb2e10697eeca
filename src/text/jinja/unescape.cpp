// unescape of lexer.h: Python's escapes in string literals.
#include <array>

#include "base/utf8.h"
#include "text/jinja/lexer.h"
#include "text/jinja/problem.h"

namespace caravan::jinja {

namespace {

/// The value of the digits at `at`, exactly `count` of them (fewer, but one, in octal); -1 where there are
/// none.
int64_t digits_at(std::string_view text, size_t& at, size_t count, unsigned base, bool exact) {
  int64_t value = 0;
  size_t read = 0;
  for (; read < count && at < text.size(); ++read, ++at) {
    const char c = text[at];
    const char lower = static_cast<char>(c | 0x20);
    unsigned digit = 99;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (lower >= 'a' && lower <= 'f') digit = static_cast<unsigned>(lower - 'a') + 10;
    if (digit >= base) break;
    value = value * base + digit;
  }
  return read == 0 || (exact && read != count) ? -1 : value;
}

void append_code_point(std::string& out, int64_t value, int line) {
  if (value < 0) problem_at(line, R"(a string has an escape \x, \u or \U with too few hexadecimal digits)");
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    problem_at(line, "a string has an escape for number ", value, ", which is no Unicode character");
  utf8_append(out, static_cast<char32_t>(value));
}

/// jinja2 turns what is not ASCII into escapes before it resolves them all, so a backslash before such a
/// character leaves the escape itself behind.
void append_escape_form(std::string& out, char32_t code_point) {
  size_t digits = code_point < 0x10000 ? 4 : 8;
  if (code_point < 0x100) digits = 2;
  out += digits == 2 ? "\\x" : (digits == 4 ? "\\u" : "\\U");
  for (size_t shift = digits * 4; shift > 0; shift -= 4)
    out += "0123456789abcdef"[(code_point >> (shift - 4)) & 15U];
}

}  // namespace

std::string unescape(std::string_view literal, int line) {
  constexpr std::string_view kLetters = "\\'\"abfnrtv";
  constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  std::string out;
  for (size_t at = 0; at < literal.size();) {
    if (literal[at] != '\\') {
      out += literal[at++];
      continue;
    }
    const char letter = at + 1 < literal.size() ? literal[at + 1] : '\0';
    const size_t known = kLetters.find(letter);
    at += 2;
    if (known != std::string_view::npos) {
      out += kMeanings[known];
    } else if (letter >= '0' && letter <= '7') {
      --at;
      append_code_point(out, digits_at(literal, at, 3, 8, false), line);
    } else if (letter == 'x' || letter == 'u' || letter == 'U') {
      const size_t count = letter == 'x' ? 2 : (letter == 'u' ? 4 : 8);
      append_code_point(out, digits_at(literal, at, count, 16, true), line);
    } else if (letter == 'N') {
      problem_at(line, "the escape \\N{…} in a string is not supported");
    } else if (static_cast<unsigned char>(letter) >= 0x80) {
      const size_t length = utf8_length_at(literal, at - 1);
      append_escape_form(out, utf8_decode(literal, at - 1, length));
      at += length - 1;
    } else if (letter != '\n') {
      out += {'\\', letter};
    }
  }
  return out;
}

}  // namespace caravan::jinja
