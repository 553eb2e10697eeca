// Steps of up to 64 tokens, whose weights come from memory: vectors copy them into the L1 cache while tiles
// multiply what was copied before.
//
// Loads of tiles do not start the CPU's own prefetching as those of vectors do, and prefetch instructions do
// not either: in a trial tiles read 26 GB/s from memory, and vectors that copy for them 33
// (docs/performance.md). Thread safety: pure functions of their task; a thread's tiles are its own.
#pragma once

#include "kernels/cpu/amx/row_tiles.h"

namespace caravan::cpu {
namespace {

/// As many tokens as pass.
constexpr Index kMostStreamed = 64;

/// Steps that are copied before several tiles of tokens pass over them, one after the other: sums that wait
/// in memory meanwhile cost what two steps do, and two such blocks lie in the L1 cache of 48 KB.
constexpr Index kBlockSteps = 3;
constexpr Index kBlockBytes = kBlockSteps * kStepBytes;

/// Weights on their way.
class Copy {
 public:
  Copy(const char* from, char* to, Index bytes) : from_(from), to_(to), end_(to + bytes) {}

  /// Some more lines, as far as there are any.
  void go_on(Index lines) {
    // The CPU's own prefetching ends with a page.
    constexpr Index kPageBytes = 4096;
    for (; lines > 0 && to_ < end_; --lines, from_ += kLine, to_ += kLine) {
      __builtin_prefetch(from_ + kPageBytes, 0, 2);
      _mm512_store_si512(to_, _mm512_loadu_si512(from_));
    }
  }

 private:
  const char* from_;
  char* to_;
  char* end_;
};

/// Whole steps of a panel in memory against one tile of tokens, from the first to the last, or several.
template <typename Sum>
struct StreamedSteps {
  const char* x;  ///< [tokens], rows x_bytes apart
  Index x_bytes;
  const char* w;  ///< [steps, 16 groups, 64]
  Index steps;
  bool cached;          ///< the panel is in a cache: nothing is gained by copying it for one tile of tokens
  Sum (*sums)[kPanel];  ///< [tokens, 64]; what is there before is not read
};

/// For the tokens that the tiles are shaped for, at most 16, whose sums stay in tiles.
template <typename Multiply, typename Sum>
inline void stream_one(const StreamedSteps<Sum>& task) {
  alignas(64) char copies[2][kStepBytes];
  const char* x = task.x;
  const char* w = task.w;
  Copy(w, copies[0], kStepBytes).go_on(kStepLines);
  zero_four();
  for (Index step = 0; step < task.steps; ++step, x += kTileBytes) {
    w += kStepBytes;
    if (step + 1 < task.steps) Copy(w, copies[(step + 1) % 2], kStepBytes).go_on(kStepLines);
    settle();
    add_row_step<Multiply>(x, task.x_bytes, copies[step % 2]);
    settle();
  }
  store_row(task.sums);
}

/// For 17 to 64 tokens. `shaped` is for how many the tiles are, before and after.
template <typename Multiply, typename Sum>
inline void stream_several(const StreamedSteps<Sum>& task, Index tokens, Index& shaped) {
  alignas(64) char copies[2][kBlockBytes];
  const auto bytes_from = [&task](Index step) {
    const Index left = task.steps - step;
    return left <= 0 ? 0 : left < kBlockSteps ? left * kStepBytes : kBlockBytes;
  };
  const Index tiles = (tokens + kTileRows - 1) / kTileRows;
  Copy(task.w, copies[0], bytes_from(0)).go_on(kBlockBytes / kLine);
  int now = 0;
  for (Index step = 0; step < task.steps; step += kBlockSteps, now = 1 - now) {
    const Index steps = bytes_from(step) / kStepBytes;
    const Index after = step + kBlockSteps;
    Copy copy(task.w + after * kStepBytes, copies[1 - now], bytes_from(after));
    const Index lines = (kBlockBytes / kLine + tiles * steps - 1) / (tiles * steps);
    for (Index t = 0; t < tokens; t += kTileRows) {
      const Index rows = tokens - t < kTileRows ? tokens - t : kTileRows;
      if (rows != shaped) shape_row_tiles(rows);
      shaped = rows;
      if (step == 0) {
        zero_four();
      } else {
        load_row(task.sums + t);
      }
      const char* x = task.x + t * task.x_bytes + step * kTileBytes;
      const char* w = copies[now];
      for (Index s = 0; s < steps; ++s, x += kTileBytes, w += kStepBytes) {
        copy.go_on(lines);
        settle();
        add_row_step<Multiply>(x, task.x_bytes, w);
      }
      store_row(task.sums + t);
    }
  }
}

/// For up to 64 tokens.
template <typename Multiply, typename Sum>
inline void stream(const StreamedSteps<Sum>& task, Index tokens, Index& shaped) {
  if (tokens > kTileRows) return stream_several<Multiply>(task, tokens, shaped);
  if (tokens != shaped) shape_row_tiles(tokens);
  shaped = tokens;
  if (task.cached) return add_row<Multiply, Sum>({task.x, task.x_bytes, task.w, task.steps, true, task.sums});
  stream_one<Multiply>(task);
}

}  // namespace
}  // namespace caravan::cpu
