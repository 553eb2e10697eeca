// Numbers to and from text, as Python's int(), float(), round() and % do it.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace caravan::jinja {

/// int(text, base): surrounding whitespace, a sign, a prefix that fits the base (0 takes it from the prefix)
/// and single underscores between digits. Nothing where Python raises ValueError; Problem beyond 64 bits.
std::optional<int64_t> parse_integer(std::string_view text, int64_t base);
/// float(text), or nothing where Python raises ValueError.
std::optional<double> parse_real(std::string_view text);
/// int(value) of a double: its whole part. Nothing for NaN and infinity; Problem beyond 64 bits.
std::optional<int64_t> whole_part(double value);
/// round(value, digits): half to even, on the exact decimal value of the double.
double rounded(double value, int64_t digits);

/// One conversion of a format: what stands between % and the letter, or after the colon in {}.
struct NumberFormat {
  bool left = false;
  bool zeros = false;
  bool sign = false;
  bool space = false;
  bool alternate = false;
  size_t width = 0;
  std::optional<size_t> precision;
};

/// `value` by a printf-style letter: d i x X o, or f F e E g G. Problem where a width or precision is above
/// 1000.
std::string format_number(const Value& value, char letter, const NumberFormat& format);
/// Fills `text` up to format.width code points.
std::string padded(const std::string& text, const NumberFormat& format);

}  // namespace caravan::jinja
