// One or two tokens against a panel of bf16 that is in a cache, without tiles: to shape tiles for a small
// panel takes as long as to multiply by it (docs/performance.md).
//
// Sums have the bits that tiles give, because they are added up in the same order, which Intel's manual gives
// for tdpbf16ps: for each 32 inputs the products of even inputs, and those of odd ones, from first to last
// and each by a fused multiply-add; then both sums together to what is there, denormal numbers being zero.
// Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/amx/tiles.h"
#include "kernels/cpu/common/panel.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

/// With more, two sums for each token and vector of outputs do not fit in the registers, and tiles are
/// faster.
constexpr Index kFewTileTokens = 2;

/// One step of 32 inputs: x [kTokens], rows x_stride apart; w [16, 64, 2]; sums [kTokens, 64].
template <int kTokens>
inline void add_few_step(const BF16* x, Index x_stride, const BF16* w, float (*sums)[kPanel]) {
  using V = Vector512;
  constexpr int kVectors = kPanel / V::kWidth;
  __m512 even[kTokens][kVectors];
  __m512 odd[kTokens][kVectors];
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v) even[t][v] = odd[t][v] = V::zero();
  }
  for (Index pair = 0; pair < kTileRows; ++pair, w += 2 * kPanel, x += 2) {
    __m512 first[kVectors];
    __m512 second[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const BF16* weights = w + v * V::kWidth * 2;
      __builtin_prefetch(reinterpret_cast<const char*>(weights) + kAhead, 0, 2);
      const V::Bits bits = V::load_bits(weights);
      first[v] = V::low_bf16(bits);
      second[v] = V::high_bf16(bits);
    }
    for (int t = 0; t < kTokens; ++t) {
      const V::Bits inputs = V::spread_bits(x + t * x_stride);
      const __m512 x_first = V::low_bf16(inputs);
      const __m512 x_second = V::high_bf16(inputs);
      for (int v = 0; v < kVectors; ++v) {
        even[t][v] = V::fma(first[v], x_first, even[t][v]);
        odd[t][v] = V::fma(second[v], x_second, odd[t][v]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v) {
      float* sum = sums[t] + v * V::kWidth;
      V::store(sum, V::add(V::load(sum), V::add(even[t][v], odd[t][v])));
    }
  }
}

/// Adds `steps` steps to the sums of kTokens tokens.
template <int kTokens>
inline void add_few_steps(const BF16* x, Index x_stride, const BF16* w, Index steps, float (*sums)[kPanel]) {
  for (Index step = 0; step < steps; ++step, x += kTileInputs, w += kTileInputs * kPanel)
    add_few_step<kTokens>(x, x_stride, w, sums);
}

/// The same for 1 to kFewTileTokens tokens.
inline void add_few(const BF16* x, Index x_stride, Index tokens, const BF16* w, Index steps,
                    float (*sums)[kPanel]) {
  if (tokens == 1) return add_few_steps<1>(x, x_stride, w, steps, sums);
  add_few_steps<2>(x, x_stride, w, steps, sums);
}

}  // namespace
}  // namespace caravan::cpu
