// The parts of a chunk of a quantised weight (tensor/quantization.h) as vectors.
// Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/elements.h"
#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// Bytes that are asked of memory ahead of those that are expanded: so much is done with each that the CPU
/// does not look far ahead by itself. Half a page, because what is asked for is to come into the L1 cache.
constexpr Index kExpandAhead = 2048;

inline void ask_to_expand(const void* from) {
  __builtin_prefetch(static_cast<const char*>(from) + kExpandAhead, 0, 3);
}

/// The scales of a vector of outputs of the chunk (or its minimums, where they begin), from `column` on.
template <typename V>
inline typename V::F load_scales(const QuantizedPanel& weight, const char* chunk, Index column) {
  switch (weight.scale) {
    case ScaleType::kF16:
      return V::load(reinterpret_cast<const F16*>(chunk) + column);
    case ScaleType::kBF16:
      return V::load(reinterpret_cast<const BF16*>(chunk) + column);
    default:
      return V::load(reinterpret_cast<const float*>(chunk) + column);
  }
}

/// u - q of a weight with minimums (tensor/quantization.h).
inline float above_signed(const QuantizedPanel& weight) { return weight.bits == 4 ? 8.0F : 0.0F; }

/// What the numbers of a group mean, output by output.
template <typename V>
struct GroupMeaning {
  static constexpr Index kVectors = kPanel / V::kWidth;
  typename V::F scales[kVectors];
  typename V::F zeros[kVectors];    ///< all 0 where the weight has no zero points
  typename V::F offsets[kVectors];  ///< minimums with their signs turned; all 0 where it has none
};

/// Of the group that input `input` of the chunk is in.
template <typename V>
inline GroupMeaning<V> meaning_of_group(const QuantizedPanel& weight, const char* chunk, Index input) {
  GroupMeaning<V> meaning;
  for (Index v = 0; v < GroupMeaning<V>::kVectors; ++v) {
    const Index column = v * V::kWidth;
    meaning.scales[v] = load_scales<V>(weight, chunk, column);
    meaning.zeros[v] = weight.has_zeros ? V::load_byte(chunk + weight.zeros + column) : V::zero();
    meaning.offsets[v] = V::zero();
    if (weight.has_minimums)
      meaning.offsets[v] = V::sub(V::zero(), load_scales<V>(weight, chunk + weight.minimums, column));
  }
  if (!weight.has_multiples) return meaning;
  const char* multiples = chunk + input / weight.group * kPanel;
  for (Index v = 0; v < GroupMeaning<V>::kVectors; ++v, multiples += V::kWidth) {
    meaning.scales[v] = V::mul(meaning.scales[v], V::load_byte(multiples + weight.multiples));
    if (weight.has_minimums)
      meaning.offsets[v] = V::mul(meaning.offsets[v], V::load_byte(multiples + weight.minimum_multiples));
  }
  return meaning;
}

}  // namespace
}  // namespace caravan::cpu
