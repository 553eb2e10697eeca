// Up to 16 tokens by 64 outputs: tiles 0 to 3 hold the sums, 4 the tokens' inputs, 5 to 7 weights in turn.
// What steps of up to 64 tokens are made of.
// Thread safety: pure functions of their task; a thread's tiles are its own.
#pragma once

#include "kernels/cpu/amx/tiles.h"
#include "kernels/cpu/common/panel.h"

namespace caravan::cpu {
namespace {

/// Whole steps of a panel against the tokens of one tile.
template <typename Sum>
struct RowSteps {
  const void* x;  ///< [tokens], rows x_bytes apart
  Index x_bytes;
  const void* w;  ///< [steps, 16 groups, 64]
  Index steps;
  bool first;           ///< sums begin at zero
  Sum (*sums)[kPanel];  ///< [tokens, 64], fp32 or int32
};

/// Shapes tiles for `tokens` (1 to 16) tokens and `groups` groups of inputs.
inline void shape_row_tiles(Index tokens, Index groups = kTileRows) {
  shape_tiles([tokens, groups](int tile) { return tile < 5 ? tokens : groups; },
              [groups](int tile) { return tile == 4 ? groups * kTileBytes / kTileRows : kTileBytes; });
}

/// sums: [tokens, 64], fp32 or int32.
template <typename Sum>
inline void load_row(const Sum (*sums)[kPanel]) {
  constexpr Index kStride = kPanel * Index{sizeof(Sum)};
  _tile_loadd(0, sums[0], kStride);
  _tile_loadd(1, sums[0] + kTileOutputs, kStride);
  _tile_loadd(2, sums[0] + 2 * kTileOutputs, kStride);
  _tile_loadd(3, sums[0] + 3 * kTileOutputs, kStride);
}

/// sums: [tokens, 64], fp32 or int32.
template <typename Sum>
inline void store_row(Sum (*sums)[kPanel]) {
  constexpr Index kStride = kPanel * Index{sizeof(Sum)};
  _tile_stored(0, sums[0], kStride);
  _tile_stored(1, sums[0] + kTileOutputs, kStride);
  _tile_stored(2, sums[0] + 2 * kTileOutputs, kStride);
  _tile_stored(3, sums[0] + 3 * kTileOutputs, kStride);
}

/// Adds one step to the sums in tiles 0 to 3: rows of x x_bytes apart, w [16 groups, 64].
template <typename Multiply>
inline void add_row_step(const void* x, Index x_bytes, const void* w) {
  const auto* weights = static_cast<const char*>(w);
  _tile_loadd(4, x, x_bytes);
  _tile_loadd(5, weights, kGroupBytes);
  Multiply::first();
  _tile_loadd(6, weights + kTileBytes, kGroupBytes);
  Multiply::second();
  _tile_loadd(7, weights + 2 * kTileBytes, kGroupBytes);
  Multiply::third();
  _tile_loadd(5, weights + 3 * kTileBytes, kGroupBytes);
  Multiply::fourth();
}

/// Adds the steps to the sums of the tokens that the tiles are shaped for.
template <typename Multiply, typename Sum>
inline void add_row(const RowSteps<Sum>& task) {
  const auto* x = static_cast<const char*>(task.x);
  const auto* w = static_cast<const char*>(task.w);
  if (task.first) {
    zero_four();
  } else {
    load_row(task.sums);
  }
  for (Index step = 0; step < task.steps; ++step, x += kTileBytes, w += kStepBytes)
    add_row_step<Multiply>(x, task.x_bytes, w);
  store_row(task.sums);
}

}  // namespace
}  // namespace caravan::cpu
