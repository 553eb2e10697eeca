#include "cli/load/lengths.h"

#include <charconv>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace caravan::load {

namespace {

constexpr const char* kForms =
    "a length, uniform:LOW:HIGH, normal:MEAN:DEVIATION or lognormal:MEAN:DEVIATION, with lengths from 1 to ";

[[noreturn]] void fail_length(const std::string& flag, const std::string& text) {
  fail(flag, ": found ", in_quotes(text), ", expected ", kForms, LengthDistribution::kMaxLength);
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char each : text) {
    if (each == ':') {
      parts.emplace_back();
    } else {
      parts.back() += each;
    }
  }
  return parts;
}

template <typename Number>
bool parse_number(const std::string& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_length(int64_t length) { return length >= 1 && length <= LengthDistribution::kMaxLength; }

}  // namespace

LengthDistribution LengthDistribution::parse(const std::string& flag, const std::string& text) {
  LengthDistribution lengths(1);
  lengths.text_ = text;
  const std::vector<std::string> parts = parts_of(text);
  if (parts.size() == 1) {
    if (!parse_number(text, lengths.low_) || !is_length(lengths.low_)) fail_length(flag, text);
    lengths.high_ = lengths.low_;
    return lengths;
  }
  if (parts.size() != 3) fail_length(flag, text);
  if (parts[0] == "uniform") {
    const bool read = parse_number(parts[1], lengths.low_) && parse_number(parts[2], lengths.high_);
    if (!read || !is_length(lengths.low_) || !is_length(lengths.high_)) fail_length(flag, text);
    if (lengths.low_ > lengths.high_)
      fail(flag, ": found ", in_quotes(text), ", expected the lower length first");
    return lengths;
  }
  double mean = 0.0;
  double deviation = 0.0;
  const bool read = parse_number(parts[1], mean) && parse_number(parts[2], deviation);
  // Written so that NaN fails. With a larger deviation most draws would be outside the range.
  const bool in_range = mean >= 1.0 && mean <= static_cast<double>(kMaxLength) && deviation >= 0.0 &&
                        deviation <= static_cast<double>(kMaxLength);
  if (!read || !in_range || (parts[0] != "normal" && parts[0] != "lognormal")) fail_length(flag, text);
  lengths.kind_ = parts[0] == "normal" ? Kind::kNormal : Kind::kLogNormal;
  lengths.mean_ = mean;
  lengths.deviation_ = deviation;
  if (lengths.kind_ == Kind::kLogNormal) {
    const double variance = std::log1p((deviation / mean) * (deviation / mean));
    lengths.mean_ = std::log(mean) - variance / 2.0;
    lengths.deviation_ = std::sqrt(variance);
  }
  return lengths;
}

int64_t LengthDistribution::draw(Random& random) const {
  if (kind_ == Kind::kUniform)
    return low_ + static_cast<int64_t>(random.below(static_cast<uint64_t>(high_ - low_) + 1));
  while (true) {
    const double normal = mean_ + deviation_ * random.normal();
    const double length = std::round(kind_ == Kind::kNormal ? normal : std::exp(normal));
    if (length >= 1.0 && length <= static_cast<double>(kMaxLength)) return static_cast<int64_t>(length);
  }
}

}  // namespace caravan::load
