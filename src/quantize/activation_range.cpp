#include "quantize/activation_range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace caravan {

namespace {

/// The divergence of the first `kept` bins, rounded to kMagnitudeNumbers numbers, from those bins with all
/// that lies beyond added to the last.
double lost_information(std::span<const int64_t> counts, size_t kept) {
  std::vector<double> p(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(kept));
  for (size_t i = kept; i < counts.size(); ++i) p.back() += static_cast<double>(counts[i]);
  std::vector<double> q(kept, 0.0);
  for (int64_t number = 0; number < kMagnitudeNumbers; ++number) {
    const auto part = [kept](int64_t n) {
      return static_cast<size_t>(n) * kept / static_cast<size_t>(kMagnitudeNumbers);
    };
    double sum = 0.0;
    int64_t filled = 0;
    for (size_t i = part(number); i < part(number + 1); ++i) {
      sum += static_cast<double>(counts[i]);
      filled += counts[i] != 0 ? 1 : 0;
    }
    for (size_t i = part(number); i < part(number + 1); ++i)
      if (counts[i] != 0) q[i] = sum / static_cast<double>(filled);
  }
  double p_sum = 0.0;
  double q_sum = 0.0;
  for (size_t i = 0; i < kept; ++i) {
    p_sum += p[i];
    q_sum += q[i];
  }
  if (q_sum == 0.0) return std::numeric_limits<double>::infinity();
  // What the rounded bins rule out counts as less likely than any value that was seen.
  const double unlikely = 0.1 / p_sum;
  double divergence = 0.0;
  for (size_t i = 0; i < kept; ++i) {
    if (p[i] == 0.0) continue;
    const double expected = q[i] == 0.0 ? unlikely : q[i] / q_sum;
    divergence += p[i] / p_sum * std::log(p[i] / p_sum / expected);
  }
  return divergence;
}

/// The magnitude beyond which values are cut off.
float threshold_of(std::span<const float> values, float largest) {
  std::vector<int64_t> counts(kRangeBins);
  const float bins = static_cast<float>(kRangeBins) / largest;
  for (const float value : values) {
    const auto bin = static_cast<size_t>(std::abs(value) * bins);
    ++counts[std::min<size_t>(bin, kRangeBins - 1)];
  }
  return static_cast<float>(bins_to_keep(counts)) / bins;
}

/// Half of what kPercentile cuts off lies below the first, half beyond the second.
std::pair<float, float> percentiles(std::span<const float> values) {
  std::vector<float> sorted(values.begin(), values.end());
  const double cut = (1.0 - kKeptShare) / 2.0;
  const auto below = static_cast<std::ptrdiff_t>(cut * static_cast<double>(values.size()));
  std::nth_element(sorted.begin(), sorted.begin() + below, sorted.end());
  const float low = sorted[static_cast<size_t>(below)];
  std::nth_element(sorted.begin(), sorted.end() - 1 - below, sorted.end());
  return {low, *(sorted.end() - 1 - below)};
}

}  // namespace

size_t bins_to_keep(std::span<const int64_t> counts) {
  CARAVAN_CHECK(counts.size() >= static_cast<size_t>(kMagnitudeNumbers));
  size_t best = counts.size();
  double least = std::numeric_limits<double>::infinity();
  for (size_t kept = kMagnitudeNumbers; kept <= counts.size(); ++kept) {
    const double lost = lost_information(counts, kept);
    if (lost >= least) continue;
    least = lost;
    best = kept;
  }
  return best;
}

RowQuant static_rows(std::span<const float> values, RangeMethod method) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  float low = *least;
  float high = *most;
  const float largest = std::max(high, -low);
  if (method == RangeMethod::kPercentile) {
    std::tie(low, high) = percentiles(values);
  } else if (method == RangeMethod::kHistogram && largest > 0.0F) {
    const float threshold = threshold_of(values, largest);
    low = std::max(low, -threshold);
    high = std::min(high, threshold);
  }
  low = std::min(low, 0.0F);
  high = std::max(high, 0.0F);
  RowQuant rows = {ActivationQuant::kStatic, (high - low) / 255.0F, 0};
  if (!(rows.scale >= std::numeric_limits<float>::min())) rows.scale = 1.0F;
  rows.zero = static_cast<int32_t>(std::clamp(std::nearbyint(-low / rows.scale), 0.0F, 255.0F));
  return rows;
}

}  // namespace caravan
