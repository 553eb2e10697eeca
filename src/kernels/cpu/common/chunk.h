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

/// The scales of a vector of outputs of the chunk, from `column` on.
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

/// What the numbers of a chunk mean, output by output.
template <typename V>
struct ChunkMeaning {
  static constexpr Index kVectors = kPanel / V::kWidth;
  typename V::F scales[kVectors];
  typename V::F zeros[kVectors];  ///< all 0 where the weight has no zero points
};

template <typename V>
inline ChunkMeaning<V> meaning_of_chunk(const QuantizedPanel& weight, const char* chunk) {
  ChunkMeaning<V> meaning;
  for (Index v = 0; v < ChunkMeaning<V>::kVectors; ++v) {
    meaning.scales[v] = load_scales<V>(weight, chunk, v * V::kWidth);
    meaning.zeros[v] = weight.has_zeros ? V::load_byte(chunk + weight.zeros + v * V::kWidth) : V::zero();
  }
  return meaning;
}

}  // namespace
}  // namespace caravan::cpu
