// A panel of a Source (panel_from_source.h) by vpdpbusd: for a few tokens values become whole vectors in
// registers and never lie in memory again. For the levels that are compiled for VNNI.
// Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/byte_dot.h"
#include "kernels/cpu/common/panel_from_source.h"

namespace caravan::cpu {
namespace {

/// Sums of all inputs for kTokens tokens. The Source has load_step(), which is store_step() to registers.
template <typename Source, int kTokens>
inline void add_tokens_from(const QuantizedTask& task, int (*sums)[kPanel]) {
  __m512i added[kTokens][kStepVectors];
  for (int t = 0; t < kTokens; ++t) {
    for (Index v = 0; v < kStepVectors; ++v) added[t][v] = _mm512_setzero_si512();
  }
  const auto* x = static_cast<const unsigned char*>(task.panel.x);
  Source source(task);
  // Whole steps: a row's last is filled up with zeros.
  for (Index i = 0; i < task.panel.in; i += kStepInputs) {
    __m512i weights[kStepVectors];
    source.load_step(weights);
    for (int t = 0; t < kTokens; ++t) {
      const __m512i inputs = ByteDot::spread(x + t * task.x_stride + i);
      for (Index v = 0; v < kStepVectors; ++v) added[t][v] = ByteDot::add(added[t][v], weights[v], inputs);
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (Index v = 0; v < kStepVectors; ++v) Ints512::store(&sums[t][v * Ints512::kWidth], added[t][v]);
  }
}

template <typename Source, int kTokens>
inline void add_up_to_from(const QuantizedTask& task, int (*sums)[kPanel]) {
  if constexpr (kTokens > 1) {
    if (task.panel.tokens < kTokens) return add_up_to_from<Source, kTokens - 1>(task, sums);
  }
  add_tokens_from<Source, kTokens>(task, sums);
}

/// Against up to kFewExpandedTokens tokens: in registers where sums and weights fit them.
template <typename Source>
void registers_from_source(const QuantizedTask& task) {
  constexpr int kTokens = ByteDot::kTokens;
  if (task.panel.tokens > kTokens) return panel_from_source<Vector512, ByteDot, Source>(task);
  alignas(64) int sums[kTokens][kPanel];
  add_up_to_from<Source, kTokens>(task, sums);
  const PanelMeaning meaning = meaning_of<Vector512>(task);
  for (Index t = 0; t < task.panel.tokens; ++t) finish_quantized_row<Vector512>(task, meaning, t, sums[t]);
}

}  // namespace
}  // namespace caravan::cpu
