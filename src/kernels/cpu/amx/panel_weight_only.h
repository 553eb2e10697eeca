// One panel of a weight that alone is quantised against up to 16 tokens in bf16: steps of it are expanded
// into the L1 cache and multiplied by tiles as panel_bf16.h does, 32 inputs at a time from first to last, so
// that results have the bits of its. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/amx/row_tiles.h"
#include "kernels/cpu/common/narrow_bf16.h"
#include "kernels/cpu/common/panel.h"

namespace caravan::cpu {
namespace {

/// Inputs that are expanded at a time.
constexpr Index kExpandedInputs = 32;

/// Inputs and expanded weights of a block; what is beyond the last input is 0.
struct ExpandedBlock {
  alignas(64) BF16 w[kExpandedInputs * kPanel];         ///< [inputs / 2, 64, 2]
  alignas(64) BF16 x[kTileRows][kExpandedInputs] = {};  ///< only of a block that is not whole
};

/// Adds 32 inputs to the sums in tiles 0 to 3.
inline void add_expanded_step(const BF16* x, Index x_stride, const BF16* w) {
  constexpr Index kStride = 2 * kPanel * Index{sizeof(BF16)};
  _tile_loadd(4, x, x_stride * Index{sizeof(BF16)});
  _tile_loadd(5, w, kStride);
  _tile_dpbf16ps(0, 4, 5);
  _tile_loadd(6, w + 2 * kTileOutputs, kStride);
  _tile_dpbf16ps(1, 4, 6);
  _tile_loadd(7, w + 4 * kTileOutputs, kStride);
  _tile_dpbf16ps(2, 4, 7);
  _tile_loadd(5, w + 6 * kTileOutputs, kStride);
  _tile_dpbf16ps(3, 4, 5);
}

/// The same for the last inputs, fewer than a block's.
inline void add_last_inputs(const QuantizedTask& task, Index begin, ExpandedBlock& block) {
  const PanelTask& panel = task.panel;
  const Index inputs = panel.in - begin;
  for (Index i = (inputs + 1) / 2 * 2 * kPanel; i < kExpandedInputs * kPanel; ++i) block.w[i] = BF16{};
  expand<Vector512, Bf16Narrow>(task, begin, panel.in, block.w);
  const auto* x = static_cast<const BF16*>(panel.x) + begin;
  for (Index t = 0; t < panel.tokens; ++t) {
    for (Index i = 0; i < inputs; ++i) block.x[t][i] = x[t * panel.in + i];
  }
  settle();
  for (Index i = 0; i < inputs; i += kTileInputs)
    add_expanded_step(block.x[0] + i, kExpandedInputs, block.w + i * kPanel);
}

void tile_panel_weight_only(const QuantizedTask& task) {
  const PanelTask& panel = task.panel;
  const auto* x = static_cast<const BF16*>(panel.x);
  ExpandedBlock block;
  shape_row_tiles(panel.tokens);
  Index begin = 0;
  for (; begin + kExpandedInputs <= panel.in; begin += kExpandedInputs) {
    expand<Vector512, Bf16Narrow>(task, begin, begin + kExpandedInputs, block.w);
    settle();
    for (Index i = 0; i < kExpandedInputs; i += kTileInputs)
      add_expanded_step(x + begin + i, panel.in, block.w + i * kPanel);
    settle();
  }
  if (begin < panel.in) add_last_inputs(task, begin, block);
  alignas(64) float sums[kTileRows][kPanel];
  constexpr Index kStride = kPanel * Index{sizeof(float)};
  _tile_stored(0, sums[0], kStride);
  _tile_stored(1, sums[0] + kTileOutputs, kStride);
  _tile_stored(2, sums[0] + 2 * kTileOutputs, kStride);
  _tile_stored(3, sums[0] + 3 * kTileOutputs, kStride);
  settle();
  for (Index t = 0; t < panel.tokens; ++t) finish_row<Vector512>(panel, t, sums[t]);
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
