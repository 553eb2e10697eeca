// One panel of an int8 weight against quantised rows (W8A8), by tiles of 16 tokens and 64 inputs.
//
// Of up to 64 tokens weights are copied on their way from memory; of more two tiles of tokens meet two of
// outputs, so that each tile that is loaded is multiplied twice. Sums are exact. Thread safety: pure
// functions of their task.
#pragma once

#include "kernels/cpu/amx/streamed_rows.h"
#include "kernels/cpu/common/byte_dot.h"
#include "kernels/cpu/common/panel_i8.h"

namespace caravan::cpu {
namespace {

/// Up to so many tokens vpdpbusd keeps up with a cache, and with expanding, and tiles would be mostly empty.
constexpr Index kFewByteTokens = 4;
/// From one row of a tile of weights, 4 inputs of 16 outputs, to the next: 4 inputs of a panel.
constexpr Index kFourInputs = 4 * kPanel;
/// From one token's sums to the next's, in bytes.
constexpr Index kSumsStride = kPanel * Index{sizeof(int)};

/// Whole steps of 64 inputs for up to 32 tokens and 32 outputs.
struct ByteSteps {
  const unsigned char* x;  ///< rows x_stride apart
  Index x_stride;
  const signed char* w;  ///< [steps, 16, 64, 4], from the first of the outputs on
  Index steps;
};

/// Shapes the tiles for a first and a second tile of tokens: 0 and 1 hold the first's sums, 2 and 3 the
/// second's, 4 and 5 their inputs, 6 and 7 weights.
inline void shape_two_rows(Index first, Index second) {
  const Index rows[8] = {first, first, second, second, first, second, kTileRows, kTileRows};
  shape_tiles([&rows](int tile) { return rows[tile]; });
}

/// For up to 16 tokens.
inline void add_to_one(const ByteSteps& task) {
  const unsigned char* x = task.x;
  const signed char* w = task.w;
  for (Index step = 0; step < task.steps; ++step, x += kTileBytes, w += kStepBytes) {
    _tile_loadd(4, x, task.x_stride);
    _tile_loadd(6, w, kFourInputs);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, w + 4 * kTileOutputs, kFourInputs);
    _tile_dpbusd(1, 4, 7);
  }
}

/// For 17 to 32 tokens.
inline void add_to_two(const ByteSteps& task) {
  const unsigned char* x = task.x;
  const unsigned char* second = x + kTileRows * task.x_stride;
  const signed char* w = task.w;
  for (Index step = 0; step < task.steps; ++step, x += kTileBytes, second += kTileBytes, w += kStepBytes) {
    _tile_loadd(6, w, kFourInputs);
    _tile_loadd(4, x, task.x_stride);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, w + 4 * kTileOutputs, kFourInputs);
    _tile_dpbusd(1, 4, 7);
    _tile_loadd(5, second, task.x_stride);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
}

/// Inputs `begin` on of a panel: whole steps, and perhaps a last one whose weights are a filled-up copy.
struct ByteBlock {
  Index begin;
  Index steps;
  const signed char* last;  ///< [16, 64, 4], or null
};

/// Adds a block to the sums of `tokens` (1 to 32) tokens, for 32 outputs from `column` on.
template <bool kTwo>
inline void add_columns(const QuantizedTask& task, const ByteBlock& block, Index token, Index column,
                        int (*sums)[kPanel]) {
  int* first = &sums[0][column];
  int* second = &sums[kTileRows][column];
  if (block.begin == 0) {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (kTwo) {
      _tile_zero(2);
      _tile_zero(3);
    }
  } else {
    _tile_loadd(0, first, kSumsStride);
    _tile_loadd(1, first + kTileOutputs, kSumsStride);
    if constexpr (kTwo) {
      _tile_loadd(2, second, kSumsStride);
      _tile_loadd(3, second + kTileOutputs, kSumsStride);
    }
  }
  constexpr void (*const kAdd)(const ByteSteps&) = kTwo ? add_to_two : add_to_one;
  const auto* x = static_cast<const unsigned char*>(task.panel.x) + token * task.x_stride + block.begin;
  kAdd({x, task.x_stride, values_of(task) + block.begin * kPanel + 4 * column, block.steps});
  if (block.last != nullptr) kAdd({x + block.steps * kTileBytes, task.x_stride, block.last + 4 * column, 1});
  _tile_stored(0, first, kSumsStride);
  _tile_stored(1, first + kTileOutputs, kSumsStride);
  if constexpr (kTwo) {
    _tile_stored(2, second, kSumsStride);
    _tile_stored(3, second + kTileOutputs, kSumsStride);
  }
}

/// Adds a block of inputs to the sums of a block of tokens. `shaped` is for how many tokens the tiles are.
inline void add_bytes(const QuantizedTask& task, const ByteBlock& block, Index token, Index tokens,
                      int (*sums)[kPanel], Index& shaped) {
  for (Index t = 0; t < tokens; t += 2 * kTileRows) {
    const Index rows = tokens - t < 2 * kTileRows ? tokens - t : 2 * kTileRows;
    const Index first = rows < kTileRows ? rows : kTileRows;
    if (rows != shaped) shape_two_rows(first, rows - first);
    shaped = rows;
    for (Index column = 0; column < kPanel; column += 2 * kTileOutputs) {
      if (rows > kTileRows) {
        add_columns<true>(task, block, token + t, column, sums + t);
      } else {
        add_columns<false>(task, block, token + t, column, sums + t);
      }
    }
  }
}

/// The weights of the last inputs where they are no whole step, filled up with zeros: what follows them may
/// not be there.
struct LastBytes {
  alignas(64) signed char w[kStepBytes];
};

inline void copy_last(const QuantizedTask& task, LastBytes& last) {
  const Index begin = task.panel.in / kTileBytes * kTileBytes;
  const Index bytes = (task.panel.in - begin + 3) / 4 * kFourInputs;
  const signed char* from = values_of(task) + begin * kPanel;
  for (Index i = 0; i < kStepBytes; ++i) last.w[i] = i < bytes ? from[i] : static_cast<signed char>(0);
}

/// For up to kMostStreamed tokens.
inline void panel_i8_by_rows(const QuantizedTask& task) {
  const PanelTask& panel = task.panel;
  alignas(64) int sums[kMostStreamed][kPanel];
  const auto* x = static_cast<const char*>(panel.x);
  const Index steps = panel.in / kTileBytes;
  Index shaped = 0;
  if (steps > 0) {
    stream<ByteMultiply, int>(
        {x, task.x_stride, reinterpret_cast<const char*>(values_of(task)), steps, panel.cached, sums},
        panel.tokens, shaped);
  }
  LastBytes last;
  const bool has_last = panel.in % kTileBytes != 0;
  if (has_last) copy_last(task, last);
  settle();
  for (Index t = 0; t < panel.tokens && has_last; t += kTileRows) {
    const Index rows = panel.tokens - t < kTileRows ? panel.tokens - t : kTileRows;
    if (rows != shaped) shape_row_tiles(rows);
    shaped = rows;
    const char* inputs = x + t * task.x_stride + steps * kTileBytes;
    add_row<ByteMultiply, int>({inputs, task.x_stride, last.w, 1, steps == 0, sums + t});
  }
  settle();
  const PanelMeaning meaning = meaning_of<Vector512>(task);
  for (Index t = 0; t < panel.tokens; ++t) finish_quantized_row<Vector512>(task, meaning, t, sums[t]);
  _tile_release();
}

void tile_panel_i8(const QuantizedTask& task) {
  const PanelTask& panel = task.panel;
  if (panel.cached && panel.tokens <= kFewByteTokens) return panel_i8<Vector512, ByteDot>(task);
  if (panel.tokens <= kMostStreamed) return panel_i8_by_rows(task);
  const PanelMeaning meaning = meaning_of<Vector512>(task);
  alignas(64) int sums[kMaxBlockTokens][kPanel];
  LastBytes last;
  const bool has_last = panel.in % kTileBytes != 0;
  if (has_last) copy_last(task, last);
  const Index block_inputs =
      panel.block_inputs < kTileBytes ? kTileBytes : panel.block_inputs / kTileBytes * kTileBytes;
  Index shaped = 0;
  for (Index token = 0; token < panel.tokens; token += panel.block_tokens) {
    const Index left = panel.tokens - token;
    const Index tokens = left < panel.block_tokens ? left : panel.block_tokens;
    for (Index begin = 0; begin < panel.in; begin += block_inputs) {
      const Index rest = panel.in - begin;
      const bool ends = rest <= block_inputs;
      const ByteBlock block = {begin, (ends ? rest : block_inputs) / kTileBytes,
                               ends && has_last ? last.w : nullptr};
      settle();
      add_bytes(task, block, token, tokens, sums, shaped);
    }
    settle();
    for (Index t = 0; t < tokens; ++t) finish_quantized_row<Vector512>(task, meaning, token + t, sums[t]);
  }
  _tile_release();
}

}  // namespace
}  // namespace caravan::cpu
