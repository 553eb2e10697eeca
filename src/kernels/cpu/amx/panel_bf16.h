// One panel of a packed bf16 weight against any number of tokens, by tiles of 16 tokens and 32 inputs.
//
// Every sum is one element of one tile, to which the instruction adds 32 inputs at a time, from first to
// last; where they do not divide by 32 zeros follow. Between blocks of inputs it waits in memory, which does
// not round. The instruction treats each row alone, so an element's value does not depend on tiles, blocks or
// how many tokens there are. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/amx/tiles.h"
#include "kernels/cpu/common/panel.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

/// Elements of a pair of inputs of a panel.
constexpr Index kPairWeights = 2 * kPanel;
/// Elements of 32 inputs of a panel, and the cache lines that they fill.
constexpr Index kStepWeights = kTileInputs * kPanel;
constexpr Index kStepLines = kStepWeights * Index{sizeof(BF16)} / kLine;

/// Whole steps of 32 inputs of a panel against the tokens of one tile.
struct TileSteps {
  const BF16* x;  ///< [tokens], rows x_stride apart
  Index x_stride;
  const BF16* w;  ///< [steps, 16, 64, 2]
  Index steps;
  bool first;             ///< sums begin at zero
  const char* ahead;      ///< what memory is asked for meanwhile
  Index lines_ahead;      ///< cache lines of it for each step
  float (*sums)[kPanel];  ///< [tokens, 64]
};

inline void load_sums(const TileSteps& task) {
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

inline void store_sums(const TileSteps& task) {
  constexpr Index kStride = kPanel * Index{sizeof(float)};
  float* sums = task.sums[0];
  _tile_stored(0, sums, kStride);
  _tile_stored(1, sums + kTileOutputs, kStride);
  _tile_stored(2, sums + 2 * kTileOutputs, kStride);
  _tile_stored(3, sums + 3 * kTileOutputs, kStride);
}

/// Adds the steps to the sums of the tokens that the tiles are shaped for.
inline void add_steps(const TileSteps& task) {
  constexpr Index kWeightStride = kPairWeights * Index{sizeof(BF16)};
  const Index x_stride = task.x_stride * Index{sizeof(BF16)};
  const BF16* x = task.x;
  const BF16* w = task.w;
  const char* ahead = task.ahead;
  load_sums(task);
  for (Index step = 0; step < task.steps; ++step, x += kTileInputs, w += kStepWeights) {
    for (Index line = 0; line < task.lines_ahead; ++line, ahead += kLine) __builtin_prefetch(ahead, 0, 2);
    _tile_loadd(4, x, x_stride);
    _tile_loadd(5, w, kWeightStride);
    _tile_dpbf16ps(0, 4, 5);
    _tile_loadd(6, w + 2 * kTileOutputs, kWeightStride);
    _tile_dpbf16ps(1, 4, 6);
    _tile_loadd(7, w + 4 * kTileOutputs, kWeightStride);
    _tile_dpbf16ps(2, 4, 7);
    _tile_loadd(5, w + 6 * kTileOutputs, kWeightStride);
    _tile_dpbf16ps(3, 4, 5);
  }
  store_sums(task);
}

/// The inputs of a step of which only some are there, and their weights; zeros fill it.
struct LastStep {
  alignas(64) BF16 x[kTileRows][kTileInputs];
  alignas(64) BF16 w[kTileRows][kPairWeights];
};

inline void copy_weights(const BF16* w, Index inputs, LastStep& last) {
  const Index pairs = (inputs + 1) / 2;
  for (Index pair = 0; pair < kTileRows; ++pair) {
    for (Index i = 0; i < kPairWeights; ++i)
      last.w[pair][i] = pair < pairs ? w[pair * kPairWeights + i] : BF16{};
  }
}

inline void copy_inputs(const BF16* x, Index x_stride, Index tokens, Index inputs, LastStep& last) {
  for (Index t = 0; t < tokens; ++t) {
    for (Index i = 0; i < kTileInputs; ++i) last.x[t][i] = i < inputs ? x[t * x_stride + i] : BF16{};
  }
}

/// Inputs begin to end - 1 of a panel, `begin` at a whole step.
struct InputRange {
  Index begin;
  Index end;
};

/// Adds them to the sums of a block of tokens. `shaped` is how many tokens the tiles are shaped for.
inline void add_range(const PanelTask& task, Index token, Index tokens, InputRange inputs,
                      float (*sums)[kPanel], Index& shaped) {
  const BF16* x = static_cast<const BF16*>(task.x) + token * task.in + inputs.begin;
  const BF16* w = static_cast<const BF16*>(task.panel) + inputs.begin * kPanel;
  const Index steps = (inputs.end - inputs.begin) / kTileInputs;
  const Index rest = (inputs.end - inputs.begin) % kTileInputs;
  // All tiles share the asking for the next block, so that memory never rests while they compute; a single
  // one asks for its own next step.
  const Index tiles = (tokens + kTileRows - 1) / kTileRows;
  const Index lines = (kStepLines + tiles - 1) / tiles;
  const char* ahead = reinterpret_cast<const char*>(w + (tiles == 1 ? 1 : steps) * kStepWeights);
  LastStep last;
  if (rest > 0) copy_weights(w + steps * kStepWeights, rest, last);
  for (Index t = 0; t < tokens; t += kTileRows, x += kTileRows * task.in) {
    const Index rows = tokens - t < kTileRows ? tokens - t : kTileRows;
    if (rows != shaped) shape_tiles(rows);
    shaped = rows;
    const bool first = inputs.begin == 0;
    const char* next = ahead + t / kTileRows * steps * lines * kLine;
    if (steps > 0) add_steps({x, task.in, w, steps, first, next, lines, sums + t});
    if (rest == 0) continue;
    copy_inputs(x + steps * kTileInputs, task.in, rows, rest, last);
    settle();
    add_steps({last.x[0], kTileInputs, last.w[0], 1, first && steps == 0, nullptr, 0, sums + t});
  }
}

/// Inputs of a block, in whole steps: all of them for one tile of tokens, which reads each weight once, so
/// that there is nothing to keep in a cache.
inline Index block_of(const PanelTask& task, Index tokens) {
  if (tokens <= kTileRows) return task.in;
  return task.block_inputs < kTileInputs ? kTileInputs : task.block_inputs / kTileInputs * kTileInputs;
}

void panel_bf16(const PanelTask& task) {
  alignas(64) float sums[kMaxBlockTokens][kPanel];
  Index shaped = 0;
  for (Index token = 0; token < task.tokens; token += task.block_tokens) {
    const Index left = task.tokens - token;
    const Index tokens = left < task.block_tokens ? left : task.block_tokens;
    const Index block = block_of(task, tokens);
    for (Index begin = 0; begin < task.in; begin += block) {
      const Index end = begin + block < task.in ? begin + block : task.in;
      add_range(task, token, tokens, {begin, end}, sums, shaped);
    }
    for (Index t = 0; t < tokens; ++t) finish_row<Vector512>(task, token + t, sums[t]);
  }
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
