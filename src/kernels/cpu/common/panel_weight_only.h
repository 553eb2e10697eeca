// One panel of a weight that alone is quantised (W8A16, W4A16), in the order of fp32 or fp16, against a few
// tokens: blocks of it are expanded into the L1 cache and multiplied as ordinary panels are, so that results
// have the bits of those.
// Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/expand.h"
#include "kernels/cpu/common/panel.h"

namespace caravan::cpu {
namespace {

/// Bytes of an expanded block: a part of the L1 cache that leaves room for the inputs and for what is read
/// ahead.
constexpr Index kExpandedBytes = 16384;

template <typename V, typename Dot>
void panel_weight_only(const QuantizedTask& task) {
  using W = typename Dot::W;
  constexpr Index kInputs = kExpandedBytes / kPanel / Index{sizeof(W)};
  alignas(64) W block[kInputs * kPanel];
  alignas(64) float sums[kMaxBlockTokens][kPanel];
  const PanelTask& panel = task.panel;
  for (Index token = 0; token < panel.tokens; token += panel.block_tokens) {
    const Index left = panel.tokens - token;
    const Index tokens = left < panel.block_tokens ? left : panel.block_tokens;
    const auto* x = static_cast<const typename Dot::X*>(panel.x) + token * panel.in;
    for (Index begin = 0; begin < panel.in; begin += kInputs) {
      const Index rest = panel.in - begin;
      const Index inputs = rest < kInputs ? rest : kInputs;
      expand<V, W>(task, begin, begin + inputs, block);
      add_block<V, Dot>({x + begin, panel.in, block, inputs, begin == 0, 0, sums}, tokens);
    }
    for (Index t = 0; t < tokens; ++t) finish_row<V>(panel, token + t, sums[t]);
  }
}

}  // namespace
}  // namespace caravan::cpu
