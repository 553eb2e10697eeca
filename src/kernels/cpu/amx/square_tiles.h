// 17 to 32 tokens by 32 outputs: tiles 0 to 3 hold the sums, 4 and 5 the tokens' inputs, 6 and 7 weights, so
// that four loads feed four multiplications. What steps of many tokens are made of.
//
// The sums stay in tiles for all inputs: to store and load them again costs what two to three steps do.
// Inputs and weights both come from the L2 cache, by loads that leave the L1 cache alone, which are the
// faster for it (18.8 cycles a tile against 21; a multiplication takes 16). Thread safety: pure functions of
// their task; a thread's tiles are its own.
#pragma once

#include "kernels/cpu/amx/tiles.h"

namespace caravan::cpu {
namespace {

/// Tokens of two tiles, and outputs.
constexpr Index kSquareTokens = 2 * kTileRows;
constexpr Index kSquareOutputs = 2 * kTileOutputs;
static_assert(2 * kSquareOutputs == kPanel);

/// Weights that memory is asked for while others are multiplied. Four pages at a time are asked for line by
/// line, so that the CPU's own prefetching, which follows each page, is far enough ahead of every one.
struct Ahead {
  static constexpr Index kPages = 4;
  static constexpr Index kPageBytes = 4096;
  static constexpr Index kPageLines = kPageBytes / 64;
  const char* line = nullptr;  ///< of the first page
  Index left = 0;              ///< times that ask() asks for a line of each page
  Index done = 0;

  /// All of `bytes` bytes.
  Ahead(const void* from, Index bytes)
      : line(static_cast<const char*>(from)), left(from == nullptr ? 0 : bytes / (kPages * 64)) {}

  void ask(Index times) {
    for (; times > 0 && left > 0; --times, --left) {
      for (Index page = 0; page < kPages; ++page) __builtin_prefetch(line + page * kPageBytes, 0, 2);
      line += 64;
      if (++done % kPageLines == 0) line += (kPages - 1) * kPageBytes;
    }
  }
};

/// Whole steps of half a panel against the tokens of two tiles.
struct SquareSteps {
  const char* x;  ///< [tokens], rows x_bytes apart
  Index x_bytes;
  const char* w;  ///< [steps, 16 groups, 64], from the half's first output on
  Index steps;
};

/// Shapes tiles for 16 and `second` (1 to 16) tokens and `groups` groups of inputs.
inline void shape_square_tiles(Index second, Index groups = kTileRows) {
  shape_tiles(
      [second, groups](int tile) {
        if (tile > 5) return groups;
        return tile == 2 || tile == 3 || tile == 5 ? second : kTileRows;
      },
      [groups](int tile) { return tile == 4 || tile == 5 ? groups * kTileBytes / kTileRows : kTileBytes; });
}

/// A vector instruction that does nothing. A CPU that has seen none for some 2,000 cycles puts its vector
/// unit to sleep, and storing a tile wakes it up again, which takes 300 ns.
inline void keep_vectors_awake() { asm volatile("vaddps %%xmm0, %%xmm0, %%xmm0" ::: "xmm0"); }

/// sums: [32, 64], from the half's first output on.
inline void store_square(float* sums) {
  constexpr Index kStride = kPanel * Index{sizeof(float)};
  _tile_stored(0, sums, kStride);
  _tile_stored(1, sums + kTileOutputs, kStride);
  _tile_stored(2, sums + kTileRows * kPanel, kStride);
  _tile_stored(3, sums + kTileRows * kPanel + kTileOutputs, kStride);
}

/// Adds the steps to the sums in the tiles. At each step `times` lines of each page are asked for.
template <typename Multiply>
inline void add_square(const SquareSteps& task, Ahead& ahead, Index times) {
  const char* x = task.x;
  const char* w = task.w;
  for (Index step = 0; step < task.steps; ++step, x += kTileBytes, w += kStepBytes) {
    if (step % 8 == 0) keep_vectors_awake();
    ahead.ask(times);
    _tile_stream_loadd(6, w, kGroupBytes);
    _tile_stream_loadd(4, x, task.x_bytes);
    Multiply::top_left();
    _tile_stream_loadd(7, w + kTileBytes, kGroupBytes);
    Multiply::top_right();
    _tile_stream_loadd(5, x + kTileRows * task.x_bytes, task.x_bytes);
    Multiply::bottom_left();
    Multiply::bottom_right();
  }
}

}  // namespace
}  // namespace caravan::cpu
