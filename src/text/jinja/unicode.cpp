#include "text/jinja/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "text/jinja/special_casing.h"

namespace caravan::jinja {

namespace {

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;
/// The one code point whose lower case is two (SpecialCasing.txt).
constexpr char32_t kCapitalIWithDot = 0x130;

/// Code points that str.isdigit() takes beyond the decimal digits: Unicode 14's Numeric_Type=Digit.
constexpr std::array<std::pair<char32_t, char32_t>, 20> kOtherDigits{
    {{0xB2, 0xB3},     {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},   {0x2070, 0x2070},
     {0x2074, 0x2079}, {0x2080, 0x2089},   {0x2460, 0x2468},   {0x2474, 0x247C},   {0x2488, 0x2490},
     {0x24EA, 0x24EA}, {0x24F5, 0x24FD},   {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},
     {0x278A, 0x2792}, {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}}};

utf8proc_category_t category(char32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

const SpecialCase* special_case(char32_t code_point) {
  const auto* found =
      std::lower_bound(kSpecialCases.begin(), kSpecialCases.end(), code_point,
                       [](const SpecialCase& row, char32_t wanted) { return row.code_point < wanted; });
  return found != kSpecialCases.end() && found->code_point == code_point ? found : nullptr;
}

void append_upper(std::u32string& out, char32_t code_point) {
  if (const SpecialCase* special = special_case(code_point)) {
    out += special->upper;
  } else {
    out += static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code_point)));
  }
}

void append_title(std::u32string& out, char32_t code_point) {
  if (const SpecialCase* special = special_case(code_point)) {
    out += special->title;
  } else {
    out += static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(code_point)));
  }
}

/// What the rule of the final sigma looks past: marks, modifiers, and the punctuation that stands inside
/// words.
bool is_case_ignorable(char32_t code_point) {
  constexpr std::u32string_view kInsideWords =
      U"'.:^`\u00A8\u00AD\u00AF\u00B4\u00B7\u00B8\u2018\u2019\u2024\u2027";
  switch (category(code_point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return kInsideWords.find(code_point) != std::u32string_view::npos;
  }
}

/// Unicode 15, table 3-17: a sigma is final after a cased letter and not before one.
bool is_final_sigma(std::u32string_view text, size_t at) {
  size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || case_of(text[before - 1]) == Case::kNone) return false;
  size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || case_of(text[after]) == Case::kNone;
}

void append_lower(std::u32string& out, std::u32string_view text, size_t at) {
  const char32_t code_point = text[at];
  if (code_point == kCapitalSigma && is_final_sigma(text, at)) {
    out += kFinalSigma;
  } else if (code_point == kCapitalIWithDot) {
    out += U"i\u0307";
  } else {
    out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point)));
  }
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

size_t code_points(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

size_t byte_offset(std::string_view text, size_t index) {
  size_t at = 0;
  for (; index > 0 && at < text.size(); --index) {
    ++at;
    while (at < text.size() && is_continuation(text[at])) ++at;
  }
  return at;
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t length = byte_offset(text, 1);
    out.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

std::u32string decode(std::string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = std::max<size_t>(utf8_length_at(text, at), 1);
    out += utf8_decode(text, at, length);
    at += length;
  }
  return out;
}

std::string encode(std::u32string_view text) {
  std::string out;
  for (const char32_t code_point : text) utf8_append(out, code_point);
  return out;
}

bool is_space(char32_t code_point) {
  switch (code_point) {
    case 0x20:
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000:
      return true;
    default:
      return (code_point >= 0x09 && code_point <= 0x0D) || (code_point >= 0x1C && code_point <= 0x1F) ||
             (code_point >= 0x2000 && code_point <= 0x200A);
  }
}

Case case_of(char32_t code_point) {
  switch (category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
      return Case::kUpper;
    case UTF8PROC_CATEGORY_LL:
      return Case::kLower;
    case UTF8PROC_CATEGORY_LT:
      return Case::kTitle;
    default:
      return Case::kNone;
  }
}

bool is_alphabetic(char32_t code_point) {
  const utf8proc_category_t found = category(code_point);
  return found >= UTF8PROC_CATEGORY_LU && found <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t code_point) { return category(code_point) == UTF8PROC_CATEGORY_ND; }

bool is_digit(char32_t code_point) {
  return is_decimal(code_point) ||
         std::any_of(kOtherDigits.begin(), kOtherDigits.end(), [code_point](const auto& range) {
           return code_point >= range.first && code_point <= range.second;
         });
}

bool is_numeric(char32_t code_point) {
  const utf8proc_category_t found = category(code_point);
  return found >= UTF8PROC_CATEGORY_ND && found <= UTF8PROC_CATEGORY_NO;
}

bool is_printable(char32_t code_point) {
  if (code_point == U' ') return true;
  switch (category(code_point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

std::string to_upper(std::string_view text) {
  std::u32string out;
  for (const char32_t code_point : decode(text)) append_upper(out, code_point);
  return encode(out);
}

std::string to_lower(std::string_view text) {
  const std::u32string in = decode(text);
  std::u32string out;
  for (size_t i = 0; i < in.size(); ++i) append_lower(out, in, i);
  return encode(out);
}

std::string capitalized(std::string_view text) {
  const std::u32string in = decode(text);
  std::u32string out;
  for (size_t i = 0; i < in.size(); ++i) {
    if (i == 0) {
      append_title(out, in[i]);
    } else {
      append_lower(out, in, i);
    }
  }
  return encode(out);
}

std::string title_cased(std::string_view text) {
  const std::u32string in = decode(text);
  std::u32string out;
  bool inside_word = false;
  for (size_t i = 0; i < in.size(); ++i) {
    if (inside_word) {
      append_lower(out, in, i);
    } else {
      append_title(out, in[i]);
    }
    inside_word = case_of(in[i]) != Case::kNone;
  }
  return encode(out);
}

std::string case_swapped(std::string_view text) {
  const std::u32string in = decode(text);
  std::u32string out;
  for (size_t i = 0; i < in.size(); ++i) {
    switch (case_of(in[i])) {
      case Case::kUpper:
        append_lower(out, in, i);
        break;
      case Case::kLower:
        append_upper(out, in[i]);
        break;
      default:
        out += in[i];
    }
  }
  return encode(out);
}

std::string_view stripped(std::string_view text, const std::string* set, bool left, bool right) {
  const std::u32string wanted = set == nullptr ? U"" : decode(*set);
  const auto goes = [&](char32_t code_point) {
    return set == nullptr ? is_space(code_point) : wanted.find(code_point) != std::u32string::npos;
  };
  while (left && !text.empty()) {
    const size_t length = byte_offset(text, 1);
    if (!goes(utf8_decode(text, 0, length))) break;
    text.remove_prefix(length);
  }
  while (right && !text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && is_continuation(text[start])) --start;
    if (!goes(utf8_decode(text, start, text.size() - start))) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

}  // namespace caravan::jinja
