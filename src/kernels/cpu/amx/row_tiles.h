// Up to 16 tokens by 64 outputs: tiles 0 to 3 hold the sums, 4 the tokens' inputs, 5 to 7 weights in turn.
// What steps of few tokens are made of: each weight is loaded once, in the order in which it lies.
// Thread safety: pure functions of their task; a thread's tiles are its own.
#pragma once

#include "kernels/cpu/amx/tiles.h"
#include "kernels/cpu/common/panel.h"

namespace caravan::cpu {
namespace {

/// Whole steps of a panel against the tokens of one tile.
struct RowSteps {
  const void* x;  ///< [tokens], rows x_bytes apart
  Index x_bytes;
  const void* w;  ///< [steps, 16 groups, 64]
  Index steps;
  bool first;             ///< sums begin at zero
  const char* ahead;      ///< what memory is asked for meanwhile
  Index lines_ahead;      ///< cache lines of it for each step
  float (*sums)[kPanel];  ///< [tokens, 64]
};

/// Shapes tiles for `tokens` (1 to 16) tokens.
inline void shape_row_tiles(Index tokens) {
  shape_tiles([tokens](int tile) { return tile < 5 ? tokens : kTileRows; });
}

inline void load_row(const RowSteps& task) {
  if (task.first) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    return;
  }
  constexpr Index kStride = kPanel * Index{sizeof(float)};
  const float* sums = task.sums[0];
  _tile_loadd(0, sums, kStride);
  _tile_loadd(1, sums + kTileOutputs, kStride);
  _tile_loadd(2, sums + 2 * kTileOutputs, kStride);
  _tile_loadd(3, sums + 3 * kTileOutputs, kStride);
}

inline void store_row(const RowSteps& task) {
  constexpr Index kStride = kPanel * Index{sizeof(float)};
  float* sums = task.sums[0];
  _tile_stored(0, sums, kStride);
  _tile_stored(1, sums + kTileOutputs, kStride);
  _tile_stored(2, sums + 2 * kTileOutputs, kStride);
  _tile_stored(3, sums + 3 * kTileOutputs, kStride);
}

/// Adds the steps to the sums of the tokens that the tiles are shaped for.
template <typename Multiply>
inline void add_row(const RowSteps& task) {
  const auto* x = static_cast<const char*>(task.x);
  const auto* w = static_cast<const char*>(task.w);
  const char* ahead = task.ahead;
  load_row(task);
  for (Index step = 0; step < task.steps; ++step, x += kTileBytes, w += kStepBytes) {
    for (Index line = 0; line < task.lines_ahead; ++line, ahead += kLine) __builtin_prefetch(ahead, 0, 2);
    _tile_loadd(4, x, task.x_bytes);
    _tile_loadd(5, w, kGroupBytes);
    Multiply::first();
    _tile_loadd(6, w + kTileBytes, kGroupBytes);
    Multiply::second();
    _tile_loadd(7, w + 2 * kTileBytes, kGroupBytes);
    Multiply::third();
    _tile_loadd(5, w + 3 * kTileBytes, kGroupBytes);
    Multiply::fourth();
  }
  store_row(task);
}

}  // namespace
}  // namespace caravan::cpu
