#include "quantize/activation_range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "checkpoint/threads.h"

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

/// For each number of bins that may be kept, up to all: the share of the squares that is cut off.
std::vector<double> cut_squares(std::span<const int64_t> counts) {
  // Of the bins from `i` on: how many values, their sum and that of their squares, in bins.
  double values = 0.0;
  double sum = 0.0;
  double squares = 0.0;
  std::vector<double> cut(counts.size() + 1, 0.0);
  for (size_t i = counts.size(); i-- > 0;) {
    const auto count = static_cast<double>(counts[i]);
    const double middle = static_cast<double>(i) + 0.5;
    values += count;
    sum += count * middle;
    squares += count * middle * middle;
    const auto kept = static_cast<double>(i);
    cut[i] = squares - 2.0 * kept * sum + kept * kept * values;
  }
  for (double& each : cut) each /= squares;
  return cut;
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

/// From `low` to `high`, 0 within.
RowQuant rows_of(float low, float high) {
  RowQuant rows = {ActivationQuant::kStatic, (high - low) / 255.0F, 0};
  if (!(rows.scale >= std::numeric_limits<float>::min())) rows.scale = 1.0F;
  rows.zero = static_cast<int32_t>(std::clamp(std::nearbyint(-low / rows.scale), 0.0F, 255.0F));
  return rows;
}

/// The sum of the squares of what `rows` makes wrong.
double squared_error(std::span<const float> values, const RowQuant& rows) {
  constexpr size_t kPiece = size_t{1} << 16U;
  // So large that fp32 has no digits below 1 left, which rounds a number of up to 255 faster than a function.
  constexpr float kRounds = 12582912.0F;
  std::vector<double> sums((values.size() + kPiece - 1) / kPiece);
  const float inverse = 1.0F / rows.scale;
  const auto low = static_cast<float>(-rows.zero);
  const auto high = static_cast<float>(255 - rows.zero);
  for_each_in_parallel(sums.size(), [&](size_t piece) {
    double sum = 0.0;
    for (const float value :
         values.subspan(piece * kPiece, std::min(kPiece, values.size() - piece * kPiece))) {
      const float within = std::min(std::max(value * inverse, low), high);
      const float error = value - ((within + kRounds) - kRounds) * rows.scale;
      sum += static_cast<double>(error * error);
    }
    sums[piece] = sum;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

RowQuant least_squares(std::span<const float> values, float low, float high) {
  RowQuant best = rows_of(low, high);
  double least = squared_error(values, best);
  for (int i = 1; i < kTriedRanges; ++i) {
    low *= kNextRange;
    high *= kNextRange;
    const RowQuant rows = rows_of(low, high);
    const double error = squared_error(values, rows);
    if (error >= least) continue;
    least = error;
    best = rows;
  }
  return best;
}

}  // namespace

size_t bins_to_keep(std::span<const int64_t> counts) {
  CARAVAN_CHECK(counts.size() >= static_cast<size_t>(kMagnitudeNumbers));
  size_t best = counts.size();
  double least = std::numeric_limits<double>::infinity();
  const std::vector<double> cut = cut_squares(counts);
  for (size_t kept = kMagnitudeNumbers; kept <= counts.size(); ++kept) {
    if (cut[kept] > kMostCutSquares) continue;
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
  return method == RangeMethod::kLeastSquares ? least_squares(values, low, high) : rows_of(low, high);
}

}  // namespace caravan
