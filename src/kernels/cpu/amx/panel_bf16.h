// One panel of a packed bf16 weight against any number of tokens, by tiles of 16 tokens and 32 inputs.
//
// Every sum is one element of one tile, to which the instruction adds 32 inputs at a time, from first to
// last; where they do not divide by 32 zeros follow. Between blocks of inputs it waits in memory, which does
// not round. The instruction treats each row alone, so an element's value does not depend on tiles, blocks or
// how many tokens there are. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/amx/few_tokens.h"
#include "kernels/cpu/amx/row_tiles.h"
#include "kernels/cpu/amx/square_tiles.h"
#include "kernels/cpu/common/panel.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

/// Inputs that stay in the L2 cache of 2 MB beside this panel and the next one.
constexpr Index kResidentBytes = 1'450'000;

/// Elements of a pair of inputs of a panel.
constexpr Index kPairWeights = 2 * kPanel;
/// Elements of 32 inputs of a panel, and the cache lines that they fill.
constexpr Index kStepWeights = kTileInputs * kPanel;
constexpr Index kStepLines = kStepBytes / kLine;

/// The inputs of a step of which only some are there, and their weights; zeros fill it.
struct LastStep {
  alignas(64) BF16 x[kSquareTokens][kTileInputs];
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
  settle();
}

/// Bytes from one token of a LastStep to the next.
constexpr Index kLastBytes = kTileInputs * Index{sizeof(BF16)};

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
  const Index x_bytes = task.in * Index{sizeof(BF16)};
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
    if (rows != shaped) shape_row_tiles(rows);
    shaped = rows;
    const bool first = inputs.begin == 0;
    const char* next = ahead + t / kTileRows * steps * lines * kLine;
    if (steps > 0) add_row<Bf16Multiply>({x, x_bytes, w, steps, first, next, lines, sums + t});
    if (rest == 0) continue;
    copy_inputs(x + steps * kTileInputs, task.in, rows, rest, last);
    add_row<Bf16Multiply>({last.x[0], kLastBytes, last.w[0], 1, first && steps == 0, nullptr, 0, sums + t});
  }
}

/// Inputs of a block, in whole steps: all of them for one tile of tokens, which reads each weight once, so
/// that there is nothing to keep in a cache.
inline Index block_of(const PanelTask& task, Index tokens) {
  if (tokens <= kTileRows) return task.in;
  return task.block_inputs < kTileInputs ? kTileInputs : task.block_inputs / kTileInputs * kTileInputs;
}

/// By blocks of inputs, whose part of the panel stays in the L1 cache for all tokens of a block.
inline void panel_by_blocks(const PanelTask& task) {
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
}

/// All inputs of the tokens `token` to `token` + `rows` - 1, at most 32, with the panel from the L2 cache.
/// `last` has the weights of the last inputs. At each step `times` lines of each page are asked for.
inline void add_strip(const PanelTask& task, Index token, Index rows, LastStep& last, Ahead& ahead,
                      Index times, float (*sums)[kPanel]) {
  const BF16* x = static_cast<const BF16*>(task.x) + token * task.in;
  const Index x_bytes = task.in * Index{sizeof(BF16)};
  const Index steps = task.in / kTileInputs;
  const Index rest = task.in % kTileInputs;
  if (rest > 0) copy_inputs(x + steps * kTileInputs, task.in, rows, rest, last);
  if (rows <= kTileRows) {
    ahead.ask(2 * times * steps);
    if (steps > 0) add_row<Bf16Multiply>({x, x_bytes, task.panel, steps, true, nullptr, 0, sums});
    if (rest > 0) add_row<Bf16Multiply>({last.x[0], kLastBytes, last.w[0], 1, steps == 0, nullptr, 0, sums});
    return;
  }
  for (Index half = 0; half < kPanel; half += kSquareOutputs) {
    const auto* w = static_cast<const BF16*>(task.panel) + 2 * half;
    zero_square();
    add_square<Bf16Multiply>(
        {reinterpret_cast<const char*>(x), x_bytes, reinterpret_cast<const char*>(w), steps}, ahead, times);
    if (rest > 0) {
      add_square<Bf16Multiply>({reinterpret_cast<const char*>(last.x[0]), kLastBytes,
                                reinterpret_cast<const char*>(last.w[0] + 2 * half), 1},
                               ahead, 0);
    }
    store_square(sums[0] + half);
  }
}

/// By strips of 32 tokens over all inputs: the tokens stay in the L2 cache from panel to panel, and the panel
/// from strip to strip.
inline void panel_by_strips(const PanelTask& task) {
  alignas(64) float sums[kSquareTokens][kPanel];
  const Index steps = task.in / kTileInputs;
  const Index strips = (task.tokens + kSquareTokens - 1) / kSquareTokens;
  Ahead ahead(task.next, steps * kStepBytes);
  // As often at each step of both halves as it takes to ask for as many steps of the next panel.
  const Index times = (kStepLines / Ahead::kPages + 2 * strips - 1) / (2 * strips);
  LastStep last;
  if (task.in % kTileInputs > 0)
    copy_weights(static_cast<const BF16*>(task.panel) + steps * kStepWeights, task.in % kTileInputs, last);
  Index shaped = 0;
  for (Index token = 0; token < task.tokens; token += kSquareTokens) {
    const Index left = task.tokens - token;
    const Index rows = left < kSquareTokens ? left : kSquareTokens;
    if (rows != shaped && rows <= kTileRows) shape_row_tiles(rows);
    if (rows != shaped && rows > kTileRows) shape_square_tiles(rows - kTileRows);
    shaped = rows;
    add_strip(task, token, rows, last, ahead, times, sums);
    for (Index t = 0; t < rows; ++t) finish_row<Vector512>(task, token + t, sums[t]);
  }
}

/// Up to kFewTileTokens tokens, by vectors.
inline void panel_of_few(const PanelTask& task) {
  const auto* x = static_cast<const BF16*>(task.x);
  const auto* w = static_cast<const BF16*>(task.panel);
  const Index steps = task.in / kTileInputs;
  const Index rest = task.in % kTileInputs;
  alignas(64) float sums[kFewTileTokens][kPanel] = {};
  const unsigned control = _mm_getcsr();
  _mm_setcsr(control | kFlushDenormals);
  add_few(x, task.in, task.tokens, w, steps, sums);
  if (rest > 0) {
    LastStep last;
    copy_weights(w + steps * kStepWeights, rest, last);
    copy_inputs(x + steps * kTileInputs, task.in, task.tokens, rest, last);
    add_few(last.x[0], kTileInputs, task.tokens, last.w[0], 1, sums);
  }
  _mm_setcsr(control);
  for (Index t = 0; t < task.tokens; ++t) finish_row<Vector512>(task, t, sums[t]);
}

void panel_bf16(const PanelTask& task) {
  if (task.tokens <= kFewTileTokens) return panel_of_few(task);
  if (task.tokens >= kResidentFrom) {
    panel_by_strips(task);
  } else {
    panel_by_blocks(task);
  }
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
