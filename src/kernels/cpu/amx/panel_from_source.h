// One panel of a Source (common/panel_from_source.h) against up to 16 quantised rows: steps of it are
// expanded into the L1 cache and multiplied by tiles. Sums are exact. Thread safety: pure functions of their
// task.
#pragma once

#include "kernels/cpu/amx/panel_i8.h"
#include "kernels/cpu/amx/row_tiles.h"
#include "kernels/cpu/common/registers_from_source.h"

namespace caravan::cpu {
namespace {

template <typename Source>
void tile_panel_from_source(const QuantizedTask& task) {
  const PanelTask& panel = task.panel;
  if (panel.tokens <= kFewByteTokens) return registers_from_source<Source>(task);
  // Two by turns, so that expanding one need not wait for the tiles of the other: [16, 64, 4] each.
  alignas(64) signed char steps[2][kStepBytes];
  const auto* x = static_cast<const unsigned char*>(panel.x);
  shape_row_tiles(panel.tokens);
  Source source(task);
  Index turn = 0;
  for (Index begin = 0; begin < panel.in; begin += kTileBytes, turn = 1 - turn) {
    signed char* w = steps[turn];
    const Index rest = panel.in - begin;
    const Index groups = rest < kTileBytes ? steps_of(rest) : kTileRows;
    store_steps(source, groups, w);
    // A row of x has whole lines of which the last is filled up.
    for (Index i = groups * kFourInputs; i < kStepBytes; ++i) w[i] = 0;
    settle();
    add_row_step<ByteMultiply>(x + begin, task.x_stride, w);
    settle();
  }
  alignas(64) int sums[kTileRows][kPanel];
  store_row(sums);
  settle();
  const PanelMeaning meaning = meaning_of<Vector512>(task);
  for (Index t = 0; t < panel.tokens; ++t) finish_quantized_row<Vector512>(task, meaning, t, sums[t]);
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
