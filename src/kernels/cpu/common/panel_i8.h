// One panel of an int8 weight against quantised rows (W8A8), for any vector type V, its vectors of int32 and
// a Dot of bytes. Sums are exact, so that blocks and tiles cannot change them.
// Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/chunk.h"
#include "kernels/cpu/common/panel.h"
#include "kernels/cpu/common/quantize.h"

namespace caravan::cpu {
namespace {

/// What is the same for all tokens of a panel.
struct PanelMeaning {
  alignas(64) float scales[kPanel];
  const int* sums;  ///< [64]: of the values of each output
};

template <typename V>
inline PanelMeaning meaning_of(const QuantizedTask& task) {
  const char* chunk = static_cast<const char*>(task.panel.panel);
  PanelMeaning meaning;
  for (Index c = 0; c < kPanel; c += V::kWidth)
    V::store(meaning.scales + c, load_scales<V>(task.weight, chunk, c));
  meaning.sums = reinterpret_cast<const int*>(chunk + task.weight.sums);
  return meaning;
}

/// y from a token's sums of products [64].
template <typename V>
inline void finish_quantized_row(const QuantizedTask& task, const PanelMeaning& meaning, Index token,
                                 const int* sums) {
  using I = typename V::Ints;
  RowScale row;
  const auto* x = static_cast<const unsigned char*>(task.panel.x) + token * task.x_stride;
  __builtin_memcpy(&row, x + task.meaning, sizeof row);
  alignas(64) float scaled[kPanel];
  for (Index c = 0; c < kPanel; c += V::kWidth) {
    const typename I::F zeros = I::mul(I::set(row.zero), I::load(meaning.sums + c));
    const typename V::F sum = I::to_floats(I::sub(I::load(sums + c), zeros));
    V::store(scaled + c, V::mul(sum, V::mul(V::set(row.scale), V::load(meaning.scales + c))));
  }
  finish_row<V>(task.panel, token, scaled);
}

/// The panel's values.
inline const signed char* values_of(const QuantizedTask& task) {
  return static_cast<const signed char*>(task.panel.panel) + task.weight.values;
}

template <typename V, typename Dot>
void panel_i8(const QuantizedTask& task) {
  const PanelTask& panel = task.panel;
  const PanelMeaning meaning = meaning_of<V>(task);
  const signed char* w = values_of(task);
  alignas(64) int sums[kMaxBlockTokens][kPanel];
  for (Index token = 0; token < panel.tokens; token += panel.block_tokens) {
    const Index left = panel.tokens - token;
    const Index tokens = left < panel.block_tokens ? left : panel.block_tokens;
    const Index ahead = lines_ahead<V, Dot>(tokens);
    const auto* x = static_cast<const unsigned char*>(panel.x) + token * task.x_stride;
    for (Index begin = 0; begin < panel.in; begin += panel.block_inputs) {
      const Index rest = panel.in - begin;
      // Whole steps: a row's last is filled up with zeros.
      const Index inputs = rest < panel.block_inputs ? (rest + 3) / 4 * 4 : panel.block_inputs;
      add_block<typename V::Ints, Dot>(
          {x + begin, task.x_stride, w + begin * kPanel, inputs, begin == 0, ahead, sums}, tokens);
    }
    for (Index t = 0; t < tokens; ++t) finish_quantized_row<V>(task, meaning, token + t, sums[t]);
  }
}

}  // namespace
}  // namespace caravan::cpu
