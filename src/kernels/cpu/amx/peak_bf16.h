// The fastest that tiles can multiply bf16. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/amx/tiles.h"
#include "kernels/cpu/common/elements.h"

namespace caravan::cpu {
namespace {

/// Floating-point operations of one step of peak_bf16(): four tiles of sums.
constexpr Index kPeakOperations = 4 * 2 * kTileRows * kTileOutputs * kTileInputs;

/// `steps` times a tile's multiplications. `values` [64] is written.
void peak_bf16(Index steps, float* values) {
  shape_tiles(kTileRows);
  // Ordinary numbers, 1 to 2 of either sign: of zeros the CPU multiplies a fifth more in a second, because
  // they take less power.
  alignas(64) BF16 numbers[kTileRows][kTileInputs];
  unsigned random = 1;
  for (auto& row : numbers) {
    for (BF16& number : row) {
      random = random * 1664525U + 1013904223U;
      number.bits = static_cast<unsigned short>(0x3F80U | (random >> 16U & 0x807FU));
    }
  }
  settle();
  _tile_loadd(4, numbers, 64);
  _tile_loadd(5, numbers, 64);
  for (Index step = 0; step < steps; ++step) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  // Without a stride every row is stored over the one before it.
  _tile_stored(0, values, 0);
  _tile_stored(1, values, 0);
  _tile_stored(2, values, 0);
  _tile_stored(3, values, 0);
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
