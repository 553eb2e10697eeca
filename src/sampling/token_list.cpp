#include "sampling/token_list.h"

#include <bit>
#include <numeric>

#include "sampling/floats.h"

namespace caravan {

namespace {

/// Whether all of the chunk's exponents are at least `lowest`.
bool all_reach(const float* chunk, const Weighing& weighing, float lowest) {
  const Floats least = all_of(lowest);
  Integers reach = (load(chunk) - weighing.largest) * weighing.scale >= least;
  for (size_t i = kFloats; i < kChunk; i += kFloats)
    reach &= (load(chunk + i) - weighing.largest) * weighing.scale >= least;
  return (reach[0] & reach[1] & reach[2] & reach[3]) != 0;
}

/// Fills in the weights; there is room for whole registers. Returns the sum of weight times exponent, in the
/// tokens' order, if `kMoment`: here it costs next to nothing, alone as much as the weights.
template <bool kMoment>
double weigh(const Weighing& weighing, size_t vocab, TokenList& list) {
  using Doubles = double __attribute__((vector_size(32)));
  const auto unit = static_cast<double>(unit_weight(vocab));
  double moment = 0.0;
  const auto weigh_four = [&](size_t first, size_t count) {
    const Floats exponents = (load(&list.logits[first]) - weighing.largest) * weighing.scale;
    const auto powers = exp2_in_range<Floats, Words>(clamped_exponent(exponents, all_of(kLowestExponent)));
    const Doubles weights = __builtin_convertvector(powers, Doubles) * unit;
    for (size_t i = 0; i < count; ++i) {
      // A signed number is one instruction away.
      const auto whole = static_cast<int64_t>(weights[i]);
      list.weights[first + i] = static_cast<uint64_t>(whole);
      if (kMoment) moment += static_cast<double>(whole) * static_cast<double>(exponents[i]);
    }
  };
  const size_t whole_registers = list.count / kFloats * kFloats;
  for (size_t i = 0; i < whole_registers; i += kFloats) weigh_four(i, kFloats);
  weigh_four(whole_registers, list.count - whole_registers);
  return moment;
}

/// Without the weights.
void gather_tokens(const Row& row, const Weighing& weighing, float lowest, TokenList& list) {
  list.count = 0;
  for (size_t i = 0; i < row.chunks(); ++i) {
    if (!(weighing.exponent(row.maxima[i]) >= lowest)) continue;
    const std::span<const float> chunk = row.chunk(i);
    list.make_room(kChunk);
    float* logits = &list.logits[list.count];
    int32_t* tokens = &list.tokens[list.count];
    const auto first = static_cast<int32_t>(i * kChunk);
    if (chunk.size() == kChunk && all_reach(chunk.data(), weighing, lowest)) {
      std::copy(chunk.begin(), chunk.end(), logits);
      std::iota(tokens, tokens + kChunk, first);
      list.count += kChunk;
      continue;
    }
    // Without branches: what does not belong is overwritten.
    size_t size = 0;
    for (size_t j = 0; j < chunk.size(); ++j) {
      logits[size] = chunk[j];
      tokens[size] = first + static_cast<int32_t>(j);
      size += weighing.exponent(chunk[j]) >= lowest ? 1U : 0U;
    }
    list.count += size;
  }
  list.make_room(kFloats);
}

}  // namespace

void TokenList::make_room(size_t places) {
  if (logits.size() >= count + places) return;
  const size_t size = 2 * count + places;
  logits.resize(size);
  tokens.resize(size);
  weights.resize(size);
}

void TokenList::push_back(float logit, int32_t token, uint64_t weight) {
  make_room(1);
  logits[count] = logit;
  tokens[count] = token;
  weights[count] = weight;
  ++count;
}

uint64_t TokenList::total_weight() const {
  return std::accumulate(weights.begin(), weights.begin() + static_cast<std::ptrdiff_t>(count), uint64_t{0});
}

uint64_t unit_weight(size_t vocab) {
  return uint64_t{1} << (63U - static_cast<unsigned>(std::bit_width(vocab)));
}

uint64_t whole_weight(const Weighing& weighing, float logit, size_t vocab) {
  const auto power = static_cast<double>(exp2_of(weighing.exponent(logit)));
  return static_cast<uint64_t>(power * static_cast<double>(unit_weight(vocab)));
}

void gather(const Row& row, const Weighing& weighing, float lowest, TokenList& list) {
  gather_tokens(row, weighing, lowest, list);
  static_cast<void>(weigh<false>(weighing, row.logits.size(), list));
}

double gather_with_moment(const Row& row, const Weighing& weighing, float lowest, TokenList& list) {
  gather_tokens(row, weighing, lowest, list);
  return weigh<true>(weighing, row.logits.size(), list);
}

}  // namespace caravan
