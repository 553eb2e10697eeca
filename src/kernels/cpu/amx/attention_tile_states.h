// The rows of an attention call by tiles, and a row that is alone with its KV head: its scores by tiles that
// are loaded straight from the cache, its sums of values by vectors, with the same products in the same order
// as where there are many rows.
//
// Intel's manual gives that order for tdpbf16ps: for each 32 inputs the products of even inputs, and those of
// odd ones, from first to last and each by a fused multiply-add; then both sums together to what is there,
// denormal numbers being zero.
//
// Thread safety: value types; a thread's tiles are its own.
#pragma once

#include "kernels/cpu/amx/attention_tile.h"
#include "kernels/cpu/common/attention_single_rows.h"

namespace caravan::cpu {
namespace {

/// The parts of a row's weights by slot, as fp32 numbers.
struct WideWeights {
  alignas(64) float parts[kParts][kTileKeys];
};

/// Stores the next part of 16 numbers as fp32 ones, and returns what is left of them.
inline __m512 take_part(__m512 numbers, float* to) {
  const auto bits = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(numbers));
  const __m512 part = Vector512::widened(bits, static_cast<const BF16*>(nullptr));
  _mm512_storeu_ps(to, part);
  return _mm512_sub_ps(numbers, part);
}

/// The sums of values of kVectors vectors of a row. A tile's step of 32 slots ends with its last slot.
template <int kVectors>
struct TileValueSums {
  using V = Vector512;
  __m512 lines[kVectors];
  __m512 even[kVectors][kParts];
  __m512 odd[kVectors][kParts];

  TileValueSums(const float* sums, float factor) {
    for (int v = 0; v < kVectors; ++v) lines[v] = V::mul(V::load(sums + v * V::kWidth), V::set(factor));
    clear();
  }
  /// Adds slot `j`, of which value(v) is vector v.
  template <typename Value>
  void add(const WideWeights& weights, Index j, const Value& value) {
    if (j % 2 == 0) {
      add_to(even, weights, j, value);
    } else {
      add_to(odd, weights, j, value);
    }
    if (j % kTileInputs == kTileInputs - 1) end_slots();
  }
  void end_slots() {
    for (int v = 0; v < kVectors; ++v) {
      for (int part = 0; part < kParts; ++part)
        lines[v] = V::add(lines[v], V::add(even[v][part], odd[v][part]));
    }
    clear();
  }

 private:
  template <typename Value>
  static void add_to(__m512 (&to)[kVectors][kParts], const WideWeights& weights, Index j,
                     const Value& value) {
    for (int v = 0; v < kVectors; ++v) {
      const __m512 values = value(v);
      for (int part = 0; part < kParts; ++part)
        to[v][part] = V::fma(V::set(weights.parts[part][j]), values, to[v][part]);
    }
  }
  void clear() {
    for (int v = 0; v < kVectors; ++v) {
      for (int part = 0; part < kParts; ++part) even[v][part] = odd[v][part] = V::zero();
    }
  }
};

/// The rows of a call while it runs over a chunk: queries, sums of values, softmax; and this thread's tiles.
struct TileStates {
  using V = Vector512;
  static constexpr int kRows = AttentionRows::kMaxRows;
  alignas(64) BF16 q[kParts][kRows * kMaxHeadDim];  ///< each [rows, q_width], times the scale, then zeros
  alignas(64) float sums[kRows * kMaxHeadDim];      ///< [rows, width]
  RowTotals<V> totals[kRows];
  Index q_width;   ///< head_dim up to whole steps
  Index width;     ///< padded(head_dim)
  int shaped = 0;  ///< rows that the tiles have, or kSingle
  static constexpr int kSingle = -1;

  // What common/attention_single_rows.h asks for.
  template <typename T>
  static constexpr int kHeadsAtATime = 4;
  template <int kVectors>
  using ValueSums = TileValueSums<kVectors>;
  using Arithmetic = FlushedDenormals;
  static constexpr int kMostValueVectors = 4;
  static constexpr Index kLeastSlots = kTileInputs;
  static WideWeights weights_of(const float* weights, Slots slots) {
    WideWeights wide;
    for (Index j = slots.low / V::kWidth * V::kWidth; j <= slots.high; j += V::kWidth) {
      __m512 rest = V::load(weights + j);
      for (auto& part : wide.parts) rest = take_part(rest, part + j);
    }
    return wide;
  }

  TileStates() = default;
  ~TileStates() { _tile_release(); }
  TileStates(const TileStates&) = delete;
  TileStates& operator=(const TileStates&) = delete;
};

inline void start_rows(const AttentionRows& task, TileStates& states) {
  using V = Vector512;
  states.width = padded(task.head_dim);
  states.q_width = input_steps(task.head_dim) * kTileInputs;
  const __m512 scale = V::set(task.scale);
  for (int row = 0; row < task.rows; ++row) {
    const float* q = task.q[row];
    const Index at = row * states.q_width;
    const Parts parts = {{states.q[0] + at, states.q[1] + at, states.q[2] + at}};
    for (Index i = 0; i < states.q_width; i += kTileInputs) {
      const auto load = [&](Index from) {
        const Index left = task.head_dim - from;
        return left >= V::kWidth ? V::load(q + from) : left > 0 ? V::load_part(q + from, left) : V::zero();
      };
      split(V::mul(load(i), scale), V::mul(load(i + V::kWidth), scale), parts, i);
    }
  }
}

inline void load_sums(int column, const float* from, Index stride) {
  const Index bytes = stride * Index{sizeof(float)};
  switch (column) {
    case 0:
      _tile_loadd(0, from, bytes);
      break;
    case 1:
      _tile_loadd(1, from, bytes);
      break;
    case 2:
      _tile_loadd(2, from, bytes);
      break;
    default:
      _tile_loadd(3, from, bytes);
  }
}

inline void store_sums(int column, float* to, Index stride) {
  const Index bytes = stride * Index{sizeof(float)};
  switch (column) {
    case 0:
      _tile_stored(0, to, bytes);
      break;
    case 1:
      _tile_stored(1, to, bytes);
      break;
    case 2:
      _tile_stored(2, to, bytes);
      break;
    default:
      _tile_stored(3, to, bytes);
  }
}

/// Bytes of two inputs.
constexpr Index kPairBytes = 2 * Index{sizeof(BF16)};

/// What tiles are for where keys have rows and a query is a single column: scores in 0 to 3, keys in 4, the
/// parts of a query in 5 to 7.
inline void shape_single_tiles(TileStates& states) {
  if (states.shaped == TileStates::kSingle) return;
  shape_tiles([](int /*tile*/) { return kTileRows; },
              [](int tile) { return tile == 4 ? kTileBytes : kPairBytes; });
  states.shaped = TileStates::kSingle;
}

/// Adds the products of 16 keys, rows `stride` elements apart, and all parts of 32 inputs of a query.
inline void multiply_keys(int head, const BF16* keys, Index stride, const TileStates& states, Index at) {
  const Index bytes = stride * Index{sizeof(BF16)};
  _tile_loadd(4, keys, bytes);
  _tile_loadd(5, states.q[0] + at, kPairBytes);
  _tile_loadd(6, states.q[1] + at, kPairBytes);
  _tile_loadd(7, states.q[2] + at, kPairBytes);
  switch (head) {
    case 0:
      _tile_dpbf16ps(0, 4, 5);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(0, 4, 7);
      break;
    case 1:
      _tile_dpbf16ps(1, 4, 5);
      _tile_dpbf16ps(1, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      break;
    case 2:
      _tile_dpbf16ps(2, 4, 5);
      _tile_dpbf16ps(2, 4, 6);
      _tile_dpbf16ps(2, 4, 7);
      break;
    default:
      _tile_dpbf16ps(3, 4, 5);
      _tile_dpbf16ps(3, 4, 6);
      _tile_dpbf16ps(3, 4, 7);
  }
}

/// 16 keys as a tile is loaded from them.
struct KeyRows {
  const BF16* first;
  Index stride;  ///< elements
};

/// Those at `keys`, or a copy in whole steps where they do not lie one after the other.
inline KeyRows rows_of(const AttentionRows& task, const BF16* const* keys, Index offset, BF16* copy) {
  const Index head_dim = task.head_dim;
  // The slots of a tile that nobody attends to repeat a neighbour's key.
  const bool all_there = keys[kTileRows - 1] - keys[0] == (kTileRows - 1) * head_dim;
  if (all_there && task.block_size % kTileRows == 0 && head_dim % kTileInputs == 0)
    return {keys[0] + offset, head_dim};
  const Index width = input_steps(head_dim) * kTileInputs;
  for (Index j = 0; j < kTileRows; ++j) {
    for (Index i = 0; i < width; ++i) copy[j * width + i] = i < head_dim ? keys[j][offset + i] : BF16{};
  }
  return {copy, width};
}

/// The scores of kHeads rows, each of its own head, against 16 keys from `slot` on.
template <int kHeads>
inline void score_keys(const AttentionRows& task, const TileRows<BF16>& tile, const NextKeys<BF16>& next,
                       Index slot, int row, TileStates& states, AllScores& scores) {
  alignas(64) BF16 copies[kHeads][kTileRows * kMaxHeadDim];
  KeyRows keys[kHeads];
  for (int head = 0; head < kHeads; ++head)
    keys[head] = rows_of(task, tile.keys + slot, (row + head) * task.head_stride, copies[head]);
  settle();
  shape_single_tiles(states);
  zero_four();
  const Index parts = states.q_width / kTileInputs * kHeads;
  Index part = 0;
  for (Index d = 0; d < states.q_width; d += kTileInputs) {
    for (int head = 0; head < kHeads; ++head) {
      touch(task, next, part++, parts);
      multiply_keys(head, keys[head].first + d, keys[head].stride, states, (row + head) * states.q_width + d);
    }
  }
  for (int head = 0; head < kHeads; ++head) store_sums(head, scores.of(row + head) + slot, 1);
  settle();
}

}  // namespace
}  // namespace caravan::cpu
