// A sparse panel of int8 by vpexpandb and vpdpbusd: for a few tokens values become whole vectors in registers
// and never lie in memory again. For the levels that are compiled for VBMI2 and VNNI.
// Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/byte_dot.h"
#include "kernels/cpu/common/sparse.h"

namespace caravan::cpu {
namespace {

struct ExpandUnmask {
  static __m512i load(unsigned long mask, const signed char* kept) {
    // With zero-masking, or from memory, the instruction waits on Zen 4 and 5 for what its target held before
    // (issue 5), so that it merges into zeros that the compiler does not see to be such.
    __m512i zeros = _mm512_setzero_si512();
    __asm__("" : "+v"(zeros));
    return _mm512_mask_expand_epi8(zeros, mask, _mm512_loadu_si512(kept));
  }
  static void store(unsigned long mask, const signed char* kept, signed char* to) {
    _mm512_storeu_si512(to, load(mask, kept));
  }
};

/// Sums of all inputs for kTokens tokens.
template <int kTokens>
inline void add_sparse_tokens(const QuantizedTask& task, int (*sums)[kPanel]) {
  __m512i added[kTokens][kStepMasks];
  for (int t = 0; t < kTokens; ++t) {
    for (Index v = 0; v < kStepMasks; ++v) added[t][v] = _mm512_setzero_si512();
  }
  const auto* x = static_cast<const unsigned char*>(task.panel.x);
  SparseReader reader(task);
  // Whole steps: a row's last is filled up with zeros.
  for (Index i = 0; i < task.panel.in; i += ByteDot::kStep) {
    reader.ask_ahead();
    __m512i weights[kStepMasks];
    for (__m512i& weight : weights) {
      const signed char* values = nullptr;
      const unsigned long mask = reader.next(values);
      weight = ExpandUnmask::load(mask, values);
    }
    for (int t = 0; t < kTokens; ++t) {
      const __m512i inputs = ByteDot::spread(x + t * task.x_stride + i);
      for (Index v = 0; v < kStepMasks; ++v) added[t][v] = ByteDot::add(added[t][v], weights[v], inputs);
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (Index v = 0; v < kStepMasks; ++v) Ints512::store(&sums[t][v * Ints512::kWidth], added[t][v]);
  }
}

template <int kTokens>
inline void add_sparse_up_to(const QuantizedTask& task, int (*sums)[kPanel]) {
  if constexpr (kTokens > 1) {
    if (task.panel.tokens < kTokens) return add_sparse_up_to<kTokens - 1>(task, sums);
  }
  add_sparse_tokens<kTokens>(task, sums);
}

/// Against up to kFewExpandedTokens tokens: in registers where sums and weights fit them.
void panel_sparse_vbmi2(const QuantizedTask& task) {
  constexpr int kTokens = ByteDot::kTokens;
  if (task.panel.tokens > kTokens) return panel_sparse<Vector512, ByteDot, ExpandUnmask>(task);
  alignas(64) int sums[kTokens][kPanel];
  add_sparse_up_to<kTokens>(task, sums);
  const PanelMeaning meaning = meaning_of<Vector512>(task);
  for (Index t = 0; t < task.panel.tokens; ++t) finish_quantized_row<Vector512>(task, meaning, t, sums[t]);
}

}  // namespace
}  // namespace caravan::cpu
