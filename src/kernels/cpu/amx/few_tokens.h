// Up to four tokens against a panel of bf16 without tiles: loading tiles from memory reaches four fifths of
// the rate that plain loads do (docs/performance.md), and a step of few tokens is nothing but loading.
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

/// So that two sums for each token and vector of outputs fit in the registers.
constexpr Index kFewTileTokens = 4;

/// Takes denormal numbers for zero, as tiles do, as long as it lives.
class FlushDenormals {
 public:
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040U); }
  ~FlushDenormals() { _mm_setcsr(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned before_;
};

/// One step of 32 inputs for `kVectors` vectors of outputs: x [kTokens], rows x_stride apart; w [16, 64, 2]
/// and sums [kTokens, 64] from the first of the outputs on. Each pair of inputs asks memory for what lies
/// `ahead` bytes after it.
template <int kTokens, int kVectors, bool kAsks>
inline void add_few_step(const BF16* x, Index x_stride, const BF16* w, Index ahead, float (*sums)[kPanel],
                         Index column) {
  using V = Vector512;
  __m512 even[kTokens][kVectors];
  __m512 odd[kTokens][kVectors];
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v) even[t][v] = odd[t][v] = V::zero();
  }
  for (Index pair = 0; pair < kTileRows; ++pair, w += 2 * kPanel, x += 2) {
    __m512 first[kVectors];
    __m512 second[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const V::Bits bits = V::load_bits(w + (column + v * V::kWidth) * 2);
      first[v] = V::low_bf16(bits);
      second[v] = V::high_bf16(bits);
    }
    if constexpr (kAsks) {
      const char* next = reinterpret_cast<const char*>(w) + ahead;
      for (Index line = 0; line < kGroupBytes; line += kLine) __builtin_prefetch(next + line, 0, 2);
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
      float* sum = sums[t] + column + v * V::kWidth;
      V::store(sum, V::add(V::load(sum), V::add(even[t][v], odd[t][v])));
    }
  }
}

/// All 64 outputs. With one token or two their sums are all in registers; with more half of them.
template <int kTokens>
inline void add_few_steps(const BF16* x, Index x_stride, const BF16* w, Index steps, float (*sums)[kPanel]) {
  constexpr int kVectors = kTokens <= 2 ? 4 : 2;
  for (Index step = 0; step < steps; ++step, x += kTileInputs, w += kTileInputs * kPanel) {
    add_few_step<kTokens, kVectors, true>(x, x_stride, w, kAhead, sums, 0);
    if constexpr (kVectors == 2) add_few_step<kTokens, 2, false>(x, x_stride, w, 0, sums, kPanel / 2);
  }
}

/// Adds `steps` steps to the sums of `tokens` (1 to kFewTileTokens) tokens.
inline void add_few(const BF16* x, Index x_stride, Index tokens, const BF16* w, Index steps,
                    float (*sums)[kPanel]) {
  switch (tokens) {
    case 1:
      return add_few_steps<1>(x, x_stride, w, steps, sums);
    case 2:
      return add_few_steps<2>(x, x_stride, w, steps, sums);
    case 3:
      return add_few_steps<3>(x, x_stride, w, steps, sums);
    default:
      return add_few_steps<4>(x, x_stride, w, steps, sums);
  }
}

}  // namespace
}  // namespace caravan::cpu
