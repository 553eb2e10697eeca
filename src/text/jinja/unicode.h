// Python's view of text over UTF-8: length, position and case by code point (Unicode 14, as Python 3.11).
//
// Every text given must be valid UTF-8. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::jinja {

/// How many code points `text` has.
size_t code_points(std::string_view text);
/// The byte at which code point number `index` starts; the size of `text` where it has no more than `index`.
size_t byte_offset(std::string_view text, size_t index);
/// `text` cut into its code points.
std::vector<std::string_view> characters(std::string_view text);

std::u32string decode(std::string_view text);
std::string encode(std::u32string_view text);

/// str.isspace() of one code point: what strip() and split() take away.
bool is_space(char32_t code_point);
/// Whether the letter has a case, and which.
enum class Case { kNone, kLower, kUpper, kTitle };
Case case_of(char32_t code_point);
bool is_alphabetic(char32_t code_point);
/// str.isdecimal(), str.isdigit() and str.isnumeric() of one code point.
bool is_decimal(char32_t code_point);
bool is_digit(char32_t code_point);
bool is_numeric(char32_t code_point);
/// Whether str.__repr__() shows the code point as it is.
bool is_printable(char32_t code_point);

/// Python's case functions, with the full mappings (ß to SS) and the final sigma.
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
/// The first code point in title case, the others in lower case.
std::string capitalized(std::string_view text);
/// str.title(): every run of cased letters capitalized.
std::string title_cased(std::string_view text);
std::string case_swapped(std::string_view text);

/// `text` without the code points of `set` (whitespace where `set` is nullptr) at its start and end.
std::string_view stripped(std::string_view text, const std::string* set, bool left, bool right);

}  // namespace caravan::jinja
