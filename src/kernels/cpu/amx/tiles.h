// AMX's tile registers as the bf16 matmul uses them (panel_i8.h says how bytes do): 0 to 3 hold sums of up to
// 16 tokens by 64 outputs, 4 the tokens' inputs, 5 to 7 weights in turn.
//
// Registers are named by number in the source, because the intrinsics paste it into an instruction. GCC's
// loads do not say that they read memory: settle() comes between writing what a tile is loaded from and
// loading it. Thread safety: a thread's tiles are its own.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// Tokens of a tile of inputs, and pairs of inputs of a tile of weights.
constexpr Index kTileRows = 16;
/// Inputs that one tile multiplication adds up, in pairs.
constexpr Index kTileInputs = 32;
/// Outputs of a tile of weights.
constexpr Index kTileOutputs = 16;

/// What ldtilecfg reads.
struct alignas(64) TileConfig {
  unsigned char palette = 1;
  unsigned char start_row = 0;
  unsigned char reserved[14] = {};
  unsigned short row_bytes[16] = {};
  unsigned char rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

/// Keeps the compiler from moving what is written before it to after it.
inline void settle() { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

/// Shapes this thread's tiles for `tokens` (1 to 16) tokens, and zeros them.
inline void shape_tiles(Index tokens) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = 64;
    config.rows[tile] = static_cast<unsigned char>(tile < 5 ? tokens : kTileRows);
  }
  settle();
  _tile_loadconfig(&config);
}

}  // namespace
}  // namespace caravan::cpu
