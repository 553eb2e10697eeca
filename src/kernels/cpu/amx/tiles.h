// AMX's tile registers as matmuls use them, for any element whose tiles have rows of 64 bytes: 32 bf16, or 64
// int8, of one token's inputs; and weights of 16 outputs, whose rows hold a 32-bit group of inputs of each.
//
// Registers are named by number in the source, because the intrinsics paste it into an instruction. GCC's
// loads do not say that they read memory: settle() comes between writing what a tile is loaded from and
// loading it, and between that and writing there again. Thread safety: a thread's tiles are its own.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// Tokens of a tile of inputs, and groups of inputs of a tile of weights.
constexpr Index kTileRows = 16;
/// Inputs in bf16 that one tile multiplication adds up, in pairs.
constexpr Index kTileInputs = 32;
/// Outputs of a tile of weights.
constexpr Index kTileOutputs = 16;
/// Bytes of a tile's row.
constexpr Index kTileBytes = 64;
/// Bytes from one group of inputs of a panel to the next.
constexpr Index kGroupBytes = kPanel * 4;
/// Bytes of what a panel has of one step: as many inputs as a tile of them has.
constexpr Index kStepBytes = kTileRows * kGroupBytes;
/// Cache lines of that.
constexpr Index kStepLines = kStepBytes / kLine;

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

/// Shapes this thread's tiles, and zeros them: `rows` says how many each of the eight has, `bytes` how long
/// they are.
template <typename Rows, typename Bytes>
inline void shape_tiles(const Rows& rows, const Bytes& bytes) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    const Index count = rows(tile);
    // A tile of no rows must have no bytes.
    config.row_bytes[tile] = static_cast<unsigned short>(count == 0 ? 0 : bytes(tile));
    config.rows[tile] = static_cast<unsigned char>(count);
  }
  settle();
  _tile_loadconfig(&config);
}

/// The same with whole rows.
template <typename Rows>
inline void shape_tiles(const Rows& rows) {
  shape_tiles(rows, [](int /*tile*/) { return kTileBytes; });
}

/// Tiles 0 to 3, which hold sums.
inline void zero_four() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

/// While one lives, vectors take denormal numbers for zero, as tiles of bf16 do.
class FlushedDenormals {
 public:
  FlushedDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlush); }
  ~FlushedDenormals() { _mm_setcsr(before_); }
  FlushedDenormals(const FlushedDenormals&) = delete;
  FlushedDenormals& operator=(const FlushedDenormals&) = delete;

 private:
  /// Of inputs, and of results.
  static constexpr unsigned kFlush = 0x8040;
  unsigned before_;
};

/// What multiplies tiles of bf16 into sums of fp32. Another element has the same tiles and another of these.
struct Bf16Multiply {
  // A row of four: inputs in tile 4, weights in 5 to 7 and 5 again.
  static void first() { _tile_dpbf16ps(0, 4, 5); }
  static void second() { _tile_dpbf16ps(1, 4, 6); }
  static void third() { _tile_dpbf16ps(2, 4, 7); }
  static void fourth() { _tile_dpbf16ps(3, 4, 5); }
  // A square of four: inputs in tiles 4 and 5, weights in 6 and 7.
  static void top_left() { _tile_dpbf16ps(0, 4, 6); }
  static void top_right() { _tile_dpbf16ps(1, 4, 7); }
  static void bottom_left() { _tile_dpbf16ps(2, 5, 6); }
  static void bottom_right() { _tile_dpbf16ps(3, 5, 7); }
};

/// The same for a row of four of uint8 inputs and int8 weights, into sums of int32.
struct ByteMultiply {
  static void first() { _tile_dpbusd(0, 4, 5); }
  static void second() { _tile_dpbusd(1, 4, 6); }
  static void third() { _tile_dpbusd(2, 4, 7); }
  static void fourth() { _tile_dpbusd(3, 4, 5); }
};

}  // namespace
}  // namespace caravan::cpu
