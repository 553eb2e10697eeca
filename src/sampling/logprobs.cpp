#include "sampling/logprobs.h"

#include <cmath>

#include "base/error.h"
#include "sampling/row.h"

namespace caravan {

namespace {

/// For x >= 1. Of our own, because C libraries' logarithms differ in their last bit.
double natural_log(double x) {
  constexpr double kLogOf2 = 0.69314718055994531;
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  // From [1/2, 1) to [3/4, 3/2), exactly, so that the logarithm of 1 is 0.
  if (mantissa < 0.75) {
    mantissa *= 2.0;
    exponent -= 1;
  }
  // log(m) = 2 atanh(s); s is at most 1/5 in absolute value, and 1/25 to the 12th is less than 2^-53.
  const double s = (mantissa - 1.0) / (mantissa + 1.0);
  double series = 0.0;
  for (int power = 25; power >= 1; power -= 2) series = series * (s * s) + 1.0 / power;
  return exponent * kLogOf2 + 2.0 * s * series;
}

}  // namespace

Logprobs logprobs_of(std::span<const float> logits, int32_t token, int64_t top) {
  CARAVAN_CHECK(token >= 0 && static_cast<size_t>(token) < logits.size());
  CARAVAN_CHECK(top >= 0);
  Row row;
  scan_row(logits, row);
  std::vector<float> settled;
  if (!std::isfinite(row.largest)) {
    settle_infinity(row, {}, settled);
    scan_row(settled, row);
  }
  const double log_of_total = natural_log(sum_weights(row, weighing_of(row, 1.0)));
  const auto logprob = [&](float logit) {
    const bool possible = logit > kMinusInfinity;
    const double distance = static_cast<double>(logit) - static_cast<double>(row.largest);
    return possible ? static_cast<float>(distance - log_of_total) : kMinusInfinity;
  };
  Logprobs result;
  result.logprob = logprob(row.logits[static_cast<size_t>(token)]);
  result.rank = likelier_than(row.logits, token) + 1;
  std::vector<TokenLogit> likeliest;
  select_top(row, static_cast<size_t>(top), likeliest);
  for (const TokenLogit& each : likeliest) result.top.push_back({each.token, logprob(each.logit)});
  return result;
}

}  // namespace caravan
