// The fastest that tiles can multiply bf16 and bytes. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/amx/tiles.h"

namespace caravan::cpu {
namespace {

/// Operations of one step of a peak kernel, four tiles of sums, where a multiplication adds up `inputs`
/// inputs.
constexpr Index peak_step_operations(Index inputs) { return 4 * 2 * kTileRows * kTileOutputs * inputs; }

inline void multiply_bf16() {
  _tile_dpbf16ps(0, 4, 5);
  _tile_dpbf16ps(1, 4, 5);
  _tile_dpbf16ps(2, 4, 5);
  _tile_dpbf16ps(3, 4, 5);
}

inline void multiply_bytes() {
  _tile_dpbusd(0, 4, 5);
  _tile_dpbusd(1, 4, 5);
  _tile_dpbusd(2, 4, 5);
  _tile_dpbusd(3, 4, 5);
}

/// `steps` times a tile's multiplications. `values` [64] is read and written, so that nothing is left out.
template <void (*kMultiply)()>
void peak_tiles(Index steps, float* values) {
  shape_tiles([](int /*tile*/) { return kTileRows; });
  // Without a stride every row is the first, so that 64 bytes fill a tile.
  settle();
  _tile_loadd(4, values, 0);
  _tile_loadd(5, values, 0);
  for (Index step = 0; step < steps; ++step) kMultiply();
  _tile_stored(0, values, 0);
  _tile_stored(1, values, 0);
  _tile_stored(2, values, 0);
  _tile_stored(3, values, 0);
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
