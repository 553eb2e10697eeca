#include "sampling/row.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "sampling/floats.h"
#include "sampling/token_mask.h"

namespace caravan {

namespace {

/// Of each of four positions, the largest in a whole chunk.
inline Floats maxima_of_chunk(const float* data) {
  static_assert(kChunk % 8 == 0);
  Floats even = all_of(kMinusInfinity);
  Floats odd = even;
  for (size_t i = 0; i < kChunk; i += 8) {
    even = larger(load(data + i), even);
    odd = larger(load(data + i + 4), odd);
  }
  return larger(even, odd);
}

inline float sum_of_chunk(const float* data, const Weighing& weighing) {
  Floats sum = all_of(0.0F);
  for (size_t i = 0; i < kChunk; i += 4) {
    // As Weighing::exponent.
    const Floats exponents = (load(data + i) - weighing.largest) * weighing.scale;
    sum += exp2_in_range<Floats, Words>(clamped_exponent(exponents, all_of(kLowestExponent)));
  }
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// The row's last chunk, filled up with minus infinity.
std::array<float, kChunk> padded(std::span<const float> chunk) {
  std::array<float, kChunk> full;
  full.fill(kMinusInfinity);
  std::copy(chunk.begin(), chunk.end(), full.begin());
  return full;
}

bool likelier(const TokenLogit& a, const TokenLogit& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

}  // namespace

std::span<const float> Row::chunk(size_t index) const {
  const size_t first = index * kChunk;
  return logits.subspan(first, std::min(kChunk, logits.size() - first));
}

void scan_row(std::span<const float> logits, Row& row) {
  row.logits = logits;
  row.maxima.resize((logits.size() + kChunk - 1) / kChunk);
  const size_t whole = logits.size() / kChunk;
  Floats largest = all_of(kMinusInfinity);
  const auto take = [&row, &largest](size_t index, const float* data) {
    const Floats maxima = maxima_of_chunk(data);
    largest = larger(maxima, largest);
    row.maxima[index] = largest_of(maxima);
  };
  for (size_t i = 0; i < whole; ++i) take(i, logits.data() + i * kChunk);
  if (whole < row.chunks()) take(whole, padded(row.chunk(whole)).data());
  row.largest = largest_of(largest);
}

void settle_infinity(const Row& row, std::span<const uint64_t> allowed, std::vector<float>& out) {
  const bool nothing = row.largest == kMinusInfinity;
  // `out` may be the row itself.
  out.resize(row.logits.size());
  for (size_t token = 0; token < out.size(); ++token) {
    const bool counts = nothing ? is_allowed(allowed, token) : row.logits[token] == row.largest;
    out[token] = counts ? 0.0F : kMinusInfinity;
  }
}

int32_t likeliest(const Row& row) {
  if (row.largest == kMinusInfinity) return 0;
  const auto chunk = std::find(row.maxima.begin(), row.maxima.end(), row.largest) - row.maxima.begin();
  const auto first = row.logits.begin() + chunk * static_cast<std::ptrdiff_t>(kChunk);
  return static_cast<int32_t>(std::find(first, row.logits.end(), row.largest) - row.logits.begin());
}

int64_t likelier_than(std::span<const float> logits, int32_t token) {
  const auto place = static_cast<size_t>(token);
  CARAVAN_CHECK(token >= 0 && place < logits.size());
  const float own = logits[place];
  int32_t count = 0;
  if (!(own > kMinusInfinity)) {
    // NaN and minus infinity are ties.
    for (const float logit : logits) count += logit > kMinusInfinity ? 1 : 0;
    for (const float logit : logits.first(place)) count += logit > kMinusInfinity ? 0 : 1;
    return count;
  }
  for (const float logit : logits) count += logit > own ? 1 : 0;
  for (const float logit : logits.first(place)) count += logit == own ? 1 : 0;
  return count;
}

Weighing weighing_of(const Row& row, double temperature) {
  CARAVAN_CHECK(std::isfinite(row.largest));
  constexpr double kLog2OfE = 1.4426950408889634;
  const double scale = kLog2OfE / temperature;
  constexpr float kMost = std::numeric_limits<float>::max();
  return {row.largest, scale < kMost ? static_cast<float>(scale) : kMost};
}

double sum_weights(const Row& row, const Weighing& weighing) {
  const float lowest = -64.0F - static_cast<float>(std::bit_width(row.logits.size()));
  double total = 0.0;
  for (size_t i = 0; i < row.chunks(); ++i) {
    if (!(weighing.exponent(row.maxima[i]) > lowest)) continue;
    const std::span<const float> chunk = row.chunk(i);
    total += static_cast<double>(chunk.size() == kChunk ? sum_of_chunk(chunk.data(), weighing)
                                                        : sum_of_chunk(padded(chunk).data(), weighing));
  }
  return total;
}

void select_top(const Row& row, size_t count, std::vector<TokenLogit>& top) {
  top.clear();
  count = std::min(count, row.logits.size());
  if (count == 0) return;
  // The count-th largest of the chunks' maxima: at least `count` tokens are as likely.
  float least = kMinusInfinity;
  if (count < row.chunks()) {
    std::vector<float> maxima = row.maxima;
    const auto last = maxima.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(maxima.begin(), last, maxima.end(), std::greater<>());
    least = *last;
  }
  for (size_t i = 0; i < row.chunks(); ++i) {
    if (row.maxima[i] < least) continue;
    const std::span<const float> chunk = row.chunk(i);
    for (size_t j = 0; j < chunk.size(); ++j) {
      if (chunk[j] >= least && chunk[j] > kMinusInfinity) {
        top.push_back({chunk[j], static_cast<int32_t>(i * kChunk + j)});
      }
    }
  }
  if (count < top.size()) {
    const auto end = top.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(top.begin(), end - 1, top.end(), likelier);
    top.erase(end, top.end());
  }
  std::sort(top.begin(), top.end(), likelier);
}

}  // namespace caravan
