// One panel of a packed bf16 weight against any number of tokens, by tiles of 16 tokens and 32 inputs.
//
// Every sum is one element of one tile, to which the instruction adds 32 inputs at a time, from first to
// last; where they do not divide by 32 zeros follow. Between blocks of inputs it waits in memory, which does
// not round. The instruction treats each row alone, so an element's value does not depend on tiles, blocks or
// how many tokens there are. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/amx/few_tokens.h"
#include "kernels/cpu/amx/square_tiles.h"
#include "kernels/cpu/amx/streamed_rows.h"
#include "kernels/cpu/common/panel.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

/// Inputs that stay in the L2 cache of 2 MB beside this panel and the next one.
constexpr Index kResidentBytes = 1'450'000;

/// Elements of a pair of inputs of a panel.
constexpr Index kPairWeights = 2 * kPanel;
/// Elements of 32 inputs of a panel.
constexpr Index kStepWeights = kTileInputs * kPanel;

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

/// By tiles of 16 tokens, for up to kMostStreamed tokens.
inline void panel_by_rows(const PanelTask& task) {
  alignas(64) float sums[kMostStreamed][kPanel];
  const auto* x = static_cast<const BF16*>(task.x);
  const auto* w = static_cast<const BF16*>(task.panel);
  const Index x_bytes = task.in * Index{sizeof(BF16)};
  const Index steps = task.in / kTileInputs;
  const Index rest = task.in % kTileInputs;
  Index shaped = 0;
  if (steps > 0) {
    stream<Bf16Multiply, float>({reinterpret_cast<const char*>(x), x_bytes, reinterpret_cast<const char*>(w),
                                 steps, task.cached, sums},
                                task.tokens, shaped);
  }
  LastStep last;
  if (rest > 0) copy_weights(w + steps * kStepWeights, rest, last);
  for (Index t = 0; t < task.tokens && rest > 0; t += kTileRows) {
    const Index rows = task.tokens - t < kTileRows ? task.tokens - t : kTileRows;
    if (rows != shaped) shape_row_tiles(rows);
    shaped = rows;
    copy_inputs(x + t * task.in + steps * kTileInputs, task.in, rows, rest, last);
    add_row<Bf16Multiply, float>({last.x[0], kLastBytes, last.w[0], 1, steps == 0, sums + t});
  }
  settle();
  for (Index t = 0; t < task.tokens; ++t) finish_row<Vector512>(task, t, sums[t]);
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
    if (steps > 0) add_row<Bf16Multiply, float>({x, x_bytes, task.panel, steps, true, sums});
    if (rest > 0) add_row<Bf16Multiply, float>({last.x[0], kLastBytes, last.w[0], 1, steps == 0, sums});
    return;
  }
  for (Index half = 0; half < kPanel; half += kSquareOutputs) {
    const auto* w = static_cast<const BF16*>(task.panel) + 2 * half;
    zero_four();
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

/// The sums of up to kFewTileTokens tokens, by vectors, added to `sums`.
inline void sum_few_tokens(const PanelTask& task, float (*sums)[kPanel]) {
  const auto* x = static_cast<const BF16*>(task.x);
  const auto* w = static_cast<const BF16*>(task.panel);
  const Index steps = task.in / kTileInputs;
  const Index rest = task.in % kTileInputs;
  const FlushedDenormals arithmetic;
  add_few(x, task.in, task.tokens, w, steps, sums);
  if (rest > 0) {
    LastStep last;
    copy_weights(w + steps * kStepWeights, rest, last);
    copy_inputs(x + steps * kTileInputs, task.in, task.tokens, rest, last);
    add_few(last.x[0], kTileInputs, task.tokens, last.w[0], 1, sums);
  }
}

inline void panel_of_few(const PanelTask& task) {
  alignas(64) float sums[kFewTileTokens][kPanel] = {};
  sum_few_tokens(task, sums);
  for (Index t = 0; t < task.tokens; ++t) finish_row<Vector512>(task, t, sums[t]);
}

void panel_bf16(const PanelTask& task) {
  if (task.cached && task.tokens <= kFewTileTokens) return panel_of_few(task);
  if (task.tokens > kMostStreamed) {
    panel_by_strips(task);
  } else {
    panel_by_rows(task);
  }
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
