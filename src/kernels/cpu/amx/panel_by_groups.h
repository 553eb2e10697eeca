// One panel of a weight that alone is quantised (W8A16, W4A16), in the order of bf16, by tiles: as
// common/panel_by_groups.h, but that groups of many inputs are cut, because tiles that are full must be
// scaled and added up in memory either way.
//
// A part's products are summed in tiles, 32 inputs at a time from first to last, whatever the number of
// tokens, and parts are the same ones: so an element's value does not depend on how many tokens there are.
// Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/amx/panel_bf16.h"
#include "kernels/cpu/common/narrow_bf16.h"
#include "kernels/cpu/common/panel_by_groups.h"

namespace caravan::cpu {
namespace {

/// Inputs of a part, at most: 32 KB of bf16, which the L1 cache holds beside little else, and the L2 cache
/// always. A group's last part may have fewer.
constexpr Index kPartInputs = 256;
/// Tokens for which a panel is expanded once: their sums take 64 KB of the stack.
constexpr Index kGroupTokens = 256;

/// Where a step or a part of a panel begins.
struct GroupPlace {
  const char* chunk;
  Index input;  ///< of the panel
  Index begin;  ///< the same within its group
  Index first;  ///< and within its chunk
};

/// Moves on by `inputs`, which do not leave the group.
inline GroupPlace after(const GroupPlace& place, Index inputs, const QuantizedPanel& weight) {
  const Index begin = place.begin + inputs;
  const Index first = place.first + inputs;
  const bool ends = first == weight.chunk_inputs;
  return {place.chunk + (ends ? weight.chunk_bytes : 0), place.input + inputs,
          begin == weight.group ? 0 : begin, ends ? 0 : first};
}

/// How many inputs from `place` on, up to `most`, are of the same group.
inline Index inputs_at(const GroupPlace& place, Index most, const QuantizedPanel& weight) {
  const Index left = weight.group - place.begin;
  return left < most ? left : most;
}

/// Inputs of a tile: those of a group, where they are fewer than a tile has room for, and pairs.
inline Index step_inputs(const QuantizedPanel& weight) {
  return weight.group < kTileInputs && weight.group % 2 == 0 ? weight.group : kTileInputs;
}

/// Expands to whole steps of tiles: what is beyond `inputs` is 0.
inline void expand_steps(const QuantizedPanel& weight, const GroupPlace& place, Index inputs, BF16* to) {
  expand_numbers<Vector512, Bf16Narrow>(weight, place.chunk, place.first, inputs, to);
  const Index tile = step_inputs(weight);
  const Index rest = inputs % tile;
  if (rest == 0) return;
  const Index end = (inputs - rest + tile) * kPanel;
  for (Index i = (inputs + 1) / 2 * kPairWeights; i < end; ++i) to[i] = BF16{};
}

/// The sums of up to 16 tokens. Each step is expanded while the tiles multiply the one before it.
inline void sum_few(const QuantizedTask& task, float (*sums)[kPanel]) {
  const PanelTask& panel = task.panel;
  const QuantizedPanel& weight = task.weight;
  const auto* x = static_cast<const BF16*>(panel.x);
  alignas(64) BF16 w[2][kStepWeights];
  alignas(64) float products[kTileRows][kPanel];
  LastStep last;
  const Index tile = step_inputs(weight);
  shape_row_tiles(panel.tokens, tile / 2);
  GroupPlace place = {static_cast<const char*>(panel.panel), 0, 0, 0};
  expand_steps(weight, place, inputs_at(place, tile, weight), w[0]);
  for (Index step = 0; place.input < panel.in; ++step) {
    const Index inputs = inputs_at(place, tile, weight);
    const GroupPlace next = after(place, inputs, weight);
    if (next.input < panel.in) expand_steps(weight, next, inputs_at(next, tile, weight), w[(step + 1) % 2]);
    if (inputs < tile) copy_inputs(x + place.input, panel.in, panel.tokens, inputs, last);
    settle();
    if (place.begin % kPartInputs == 0) zero_four();
    if (inputs < tile) {
      add_row_step<Bf16Multiply>(last.x[0], kLastBytes, w[step % 2]);
    } else {
      add_row_step<Bf16Multiply>(x + place.input, panel.in * Index{sizeof(BF16)}, w[step % 2]);
    }
    if (next.begin % kPartInputs == 0) {
      store_row(products);
      settle();
      const Index part = place.begin % kPartInputs + inputs;
      const BF16* from = x + next.input - part;
      add_scaled<Vector512>(weight, place.chunk, {place.first, from, panel.in, part, products}, panel.tokens,
                            sums);
    }
    place = next;
  }
}

/// The products of a part, expanded at `w`, and up to 32 tokens, whose inputs begin at `x`.
inline void multiply_part(const QuantizedTask& task, const BF16* x, Index inputs, Index tokens, const BF16* w,
                          float (*products)[kPanel]) {
  const PanelTask& panel = task.panel;
  const Index tile = step_inputs(task.weight);
  const Index steps = inputs / tile;
  const Index rest = inputs % tile;
  const Index x_bytes = panel.in * Index{sizeof(BF16)};
  const BF16* w_rest = w + steps * kStepWeights;
  LastStep last;
  if (rest > 0) copy_inputs(x + steps * kTileInputs, panel.in, tokens, rest, last);
  if (tokens <= kTileRows) {
    if (steps > 0) add_row<Bf16Multiply, float>({x, x_bytes, w, steps, true, products});
    if (rest > 0) add_row<Bf16Multiply, float>({last.x[0], kLastBytes, w_rest, 1, steps == 0, products});
    settle();
    return;
  }
  Ahead nothing(nullptr, 0);
  for (Index half = 0; half < kPanel; half += kSquareOutputs) {
    const auto bytes = [half](const BF16* from) { return reinterpret_cast<const char*>(from + 2 * half); };
    zero_four();
    add_square<Bf16Multiply>({reinterpret_cast<const char*>(x), x_bytes, bytes(w), steps}, nothing, 0);
    if (rest > 0) {
      add_square<Bf16Multiply>({reinterpret_cast<const char*>(last.x[0]), kLastBytes, bytes(w_rest), 1},
                               nothing, 0);
    }
    store_square(products[0] + half);
  }
  settle();
}

/// The sums of `tokens` tokens from `token` on, at most kGroupTokens.
inline void sum_many(const QuantizedTask& task, Index token, Index tokens, float (*sums)[kPanel]) {
  const PanelTask& panel = task.panel;
  const QuantizedPanel& weight = task.weight;
  alignas(64) BF16 w[kPartInputs * kPanel];
  alignas(64) float products[kSquareTokens][kPanel];
  const Index tile_groups = step_inputs(weight) / 2;
  Index shaped = 0;
  GroupPlace place = {static_cast<const char*>(panel.panel), 0, 0, 0};
  while (place.input < panel.in) {
    const Index inputs = inputs_at(place, kPartInputs, weight);
    expand_steps(weight, place, inputs, w);
    settle();
    const BF16* x = static_cast<const BF16*>(panel.x) + token * panel.in + place.input;
    for (Index t = 0; t < tokens; t += kSquareTokens) {
      const Index rows = tokens - t < kSquareTokens ? tokens - t : kSquareTokens;
      if (rows != shaped && rows <= kTileRows) shape_row_tiles(rows, tile_groups);
      if (rows != shaped && rows > kTileRows) shape_square_tiles(rows - kTileRows, tile_groups);
      shaped = rows;
      const BF16* from = x + t * panel.in;
      multiply_part(task, from, inputs, rows, w, products);
      add_scaled<Vector512>(weight, place.chunk, {place.first, from, panel.in, inputs, products}, rows,
                            sums + t);
    }
    place = after(place, inputs, weight);
  }
}

void tile_panel_by_groups(const QuantizedTask& task) {
  const PanelTask& panel = task.panel;
  alignas(64) float sums[kGroupTokens][kPanel];
  for (Index token = 0; token < panel.tokens; token += kGroupTokens) {
    const Index left = panel.tokens - token;
    const Index tokens = left < kGroupTokens ? left : kGroupTokens;
    clear_sums<Vector512>(tokens, sums);
    if (panel.tokens <= kTileRows) {
      sum_few(task, sums);
    } else {
      sum_many(task, token, tokens, sums);
    }
    for (Index t = 0; t < tokens; ++t) finish_row<Vector512>(panel, token + t, sums[t]);
  }
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
