#include "text/jinja/number_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

/// Wider than any number in a prompt; keeps a format from making megabytes.
constexpr size_t kMaxFormatWidth = 1000;
/// No double has a digit other than 0 further right of the point.
constexpr int64_t kMaxDigits = 1100;

/// `text` without single underscores between digits or letters; nothing where one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  const auto is_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || !is_word(text[i - 1]) || !is_word(text[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

int64_t prefix_base(std::string_view digits) {
  if (digits.size() < 2 || digits[0] != '0') return 0;
  switch (digits[1]) {
    case 'x':
    case 'X':
      return 16;
    case 'o':
    case 'O':
      return 8;
    case 'b':
    case 'B':
      return 2;
    default:
      return 0;
  }
}

std::string digits_of(uint64_t magnitude, unsigned base, bool capital) {
  std::string out;
  const char* letters = capital ? "0123456789ABCDEF" : "0123456789abcdef";
  do {
    out.insert(out.begin(), letters[magnitude % base]);
    magnitude /= base;
  } while (magnitude != 0);
  return out;
}

uint64_t magnitude_of(int64_t value) {
  return value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

std::string real_digits(double magnitude, char letter, const NumberFormat& format) {
  const int precision = static_cast<int>(format.precision.value_or(6));
  const std::string pattern = std::string(format.alternate ? "%#.*" : "%.*") + letter;
  // The longest double in %f has 309 digits before the point.
  std::string out(400 + kMaxFormatWidth, '\0');
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int written = std::snprintf(out.data(), out.size(), pattern.c_str(), precision, magnitude);
#pragma GCC diagnostic pop
  out.resize(static_cast<size_t>(std::max(written, 0)));
  return out;
}

}  // namespace

std::optional<int64_t> parse_integer(std::string_view text, int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  const auto digits_text = without_underscores(stripped(text, nullptr, true, true));
  if (!digits_text) return std::nullopt;
  std::string_view digits = *digits_text;
  const bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  const int64_t prefix = prefix_base(digits);
  if (prefix != 0 && (base == prefix || base == 0)) {
    digits.remove_prefix(2);
    base = prefix;
  } else if (base == 0) {
    if (digits.size() > 1 && digits[0] == '0' && digits.find_first_not_of('0') != std::string_view::npos)
      return std::nullopt;
    base = 10;
  }
  if (digits.empty() || digits[0] == '-') return std::nullopt;
  const std::string signed_digits = (negative ? "-" : "") + std::string(digits);
  int64_t value = 0;
  const char* end = signed_digits.data() + signed_digits.size();
  const auto result = std::from_chars(signed_digits.data(), end, value, static_cast<int>(base));
  if (result.ptr != end) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) problem("the integer in a text is beyond 64 bits");
  return result.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<double> parse_real(std::string_view text) {
  const auto digits_text = without_underscores(stripped(text, nullptr, true, true));
  if (!digits_text || digits_text->empty()) return std::nullopt;
  std::string_view digits = *digits_text;
  const double sign = digits[0] == '-' ? -1 : 1;
  if (digits[0] == '-' || digits[0] == '+') digits.remove_prefix(1);
  const std::string lower = to_lower(digits);
  if (lower == "inf" || lower == "infinity") return sign * HUGE_VAL;
  if (lower == "nan") return std::nan("");
  if (lower.find_first_not_of("0123456789.e+-") != std::string::npos || lower[0] == '-') return std::nullopt;
  double value = 0;
  const char* end = lower.data() + lower.size();
  const auto result = std::from_chars(lower.data(), end, value);
  if (result.ptr != end || result.ec == std::errc::invalid_argument) return std::nullopt;
  // Out of range leaves the value alone; Python gives infinity for a large and zero for a small number.
  if (result.ec == std::errc::result_out_of_range) {
    const size_t e = lower.find('e');
    return sign * (e != std::string::npos && e + 1 < lower.size() && lower[e + 1] == '-' ? 0.0 : HUGE_VAL);
  }
  return sign * value;
}

std::optional<int64_t> whole_part(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  // 2^63, the first double above every int64.
  constexpr double kTooLarge = 9223372036854775808.0;
  if (value >= kTooLarge || value < -kTooLarge) problem("the whole part of a float is beyond 64 bits");
  return static_cast<int64_t>(value);
}

double rounded(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > kMaxDigits) return value;
  if (digits < 0) {
    // No double reaches 1e309.
    if (digits < -308) return std::copysign(0.0, value);
    const double unit = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / unit) * unit;
  }
  // glibc prints the exact value, rounded half to even; 310 digits before the point, kMaxDigits after it.
  std::string text(1500, '\0');
  const int written = std::snprintf(text.data(), text.size(), "%.*f", static_cast<int>(digits), value);
  double result = value;
  std::from_chars(text.data(), text.data() + std::max(written, 0), result);
  return result;
}

std::string padded(const std::string& text, const NumberFormat& format) {
  const size_t length = code_points(text);
  if (length >= format.width) return text;
  const std::string fill(format.width - length, ' ');
  return format.left ? text + fill : fill + text;
}

std::string format_number(const Value& value, char letter, const NumberFormat& format) {
  if (std::max(format.width, format.precision.value_or(0)) > kMaxFormatWidth)
    problem("a format's width or precision is above ", kMaxFormatWidth);
  std::string digits;
  bool negative = false;
  if (std::string_view("fFeEgG").find(letter) != std::string_view::npos) {
    const double real = value.to_real();
    negative = std::signbit(real) && !std::isnan(real);
    digits = real_digits(std::fabs(real), letter, format);
  } else {
    const double* real = value.as_real();
    if (real != nullptr && letter != 'd' && letter != 'i') problem("the format %", letter, " takes no float");
    const auto integer = real == nullptr ? value.integral() : whole_part(*real);
    if (!integer) problem("the format %", letter, " takes a number that has a whole part");
    negative = *integer < 0;
    const unsigned base = letter == 'o' ? 8 : (letter == 'x' || letter == 'X' ? 16 : 10);
    digits = digits_of(magnitude_of(*integer), base, letter == 'X');
    const size_t least = format.precision.value_or(0);
    if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
    if (format.alternate && base != 10) digits.insert(0, {'0', letter});
  }
  const std::string sign = negative ? "-" : (format.sign ? "+" : (format.space ? " " : ""));
  if (format.zeros && !format.left && sign.size() + digits.size() < format.width)
    digits.insert(0, format.width - sign.size() - digits.size(), '0');
  return padded(sign + digits, format);
}

}  // namespace caravan::jinja
