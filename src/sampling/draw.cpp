#include "sampling/draw.h"

#include <algorithm>

namespace caravan {

namespace {

/// SplitMix64 (Steele, Lea and Flood, 2014): as many random bits as the tries take of one 64-bit seed.
class RandomBits {
 public:
  explicit RandomBits(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    uint64_t bits = state_;
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31U);
  }

 private:
  uint64_t state_;
};

/// Of each chunk, the weights of the likeliest tokens of all chunks up to it.
void accumulate_maxima(const Row& row, const Weighing& weighing, std::vector<double>& cumulative) {
  cumulative.resize(row.chunks());
  double total = 0.0;
  for (size_t i = 0; i < row.chunks(); ++i) {
    total += static_cast<double>(exp2_of(weighing.exponent(row.maxima[i])));
    cumulative[i] = total;
  }
}

}  // namespace

int32_t draw_token(const Row& row, const Weighing& weighing, uint64_t random,
                   std::vector<double>& cumulative) {
  accumulate_maxima(row, weighing, cumulative);
  RandomBits bits(random);
  while (true) {
    const double place = unit_interval(bits.next()) * cumulative.back();
    const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), place);
    // The product can be rounded up to the whole.
    if (found == cumulative.end()) continue;
    const auto chunk = static_cast<size_t>(found - cumulative.begin());
    const uint64_t choice = bits.next();
    const size_t token = chunk * kChunk + choice % kChunk;
    // The last chunk may be short. Minus infinity and NaN have a weight, if a tiny one, but are never drawn.
    if (token >= row.logits.size() || !(row.logits[token] > kMinusInfinity)) continue;
    const float weight = exp2_of(weighing.exponent(row.logits[token]));
    const float most = exp2_of(weighing.exponent(row.maxima[chunk]));
    // The bits that unit_interval takes are not those that chose the token.
    if (unit_interval(choice) * static_cast<double>(most) < static_cast<double>(weight)) {
      return static_cast<int32_t>(token);
    }
  }
}

}  // namespace caravan
