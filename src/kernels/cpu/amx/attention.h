// Attention over a bf16 cache by AMX tiles: 16 rows of queries at a time against 64 keys.
//
// Queries (times the scale) and weights are each the sum of three bf16 numbers, whose products with keys
// and values are exact, and all products of an element are summed in fp32 in one order: for each 32 inputs,
// or keys, the first parts', then the second parts' and the third parts'. An instruction treats each row
// alone, and weights of zero add nothing, so a row's bits do not depend on the rows beside it. An infinite
// key or value makes NaN of what attends to it. Tiles of keys, softmax, chunks and merging are those of
// common/attention.h, and rows that are alone with their KV head have a way of their own with the same
// products in the same order (attention_tile_states.h). Thread safety: pure functions of their task; a
// thread's tiles are its own.
#pragma once

#include "kernels/cpu/amx/attention_tile_states.h"

namespace caravan::cpu {
namespace {

/// What tiles are for: sums in 0 to 3, the parts of what has rows in 4 to 6, columns in 7.
inline void shape_attention_tiles(int rows, TileStates& states) {
  if (rows == states.shaped) return;
  shape_tiles([rows](int tile) { return tile < 7 ? Index{rows} : kTileRows; });
  states.shaped = rows;
}

/// 32 inputs of all parts, rows `stride` elements apart.
inline void load_parts(const BF16* first, const BF16* second, const BF16* third, Index stride) {
  const Index bytes = stride * Index{sizeof(BF16)};
  _tile_loadd(4, first, bytes);
  _tile_loadd(5, second, bytes);
  _tile_loadd(6, third, bytes);
}

/// Adds the products of all parts and 16 columns to the sums of these columns.
inline void multiply_columns(int column, const BF16* columns) {
  _tile_loadd(7, columns, kTileBytes);
  switch (column) {
    case 0:
      _tile_dpbf16ps(0, 4, 7);
      _tile_dpbf16ps(0, 5, 7);
      _tile_dpbf16ps(0, 6, 7);
      break;
    case 1:
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(1, 5, 7);
      _tile_dpbf16ps(1, 6, 7);
      break;
    case 2:
      _tile_dpbf16ps(2, 4, 7);
      _tile_dpbf16ps(2, 5, 7);
      _tile_dpbf16ps(2, 6, 7);
      break;
    default:
      _tile_dpbf16ps(3, 4, 7);
      _tile_dpbf16ps(3, 5, 7);
      _tile_dpbf16ps(3, 6, 7);
  }
}

/// Up to 16 rows that all attend to some of a tile, and which slots of it any of them does.
struct TileGroup {
  int row = 0;
  int count = 0;
  Slots slots[kTileRows];
  Slots all;
};

/// Scores of the blocks of keys that have some of the group's slots.
inline void score_group(const PairedTile& tile, const TileGroup& group, const TileStates& states,
                        ScoresOf<kTileRows>& scores) {
  const Index steps = states.q_width / kTileInputs;
  const auto first = static_cast<int>(group.all.low / kTileOutputs);
  const auto last = static_cast<int>(group.all.high / kTileOutputs);
  zero_four();
  for (Index step = 0; step < steps; ++step) {
    const Index at = group.row * states.q_width + step * kTileInputs;
    load_parts(states.q[0] + at, states.q[1] + at, states.q[2] + at, states.q_width);
    for (int block = first; block <= last; ++block)
      multiply_columns(block, tile.keys + (block * steps + step) * kTileElements);
  }
  for (int block = first; block <= last; ++block)
    store_sums(block, scores.values[0] + block * kTileOutputs, kTileKeys);
}

/// The parts of a group's weights. Zero where a row does not attend to a slot.
struct SplitWeights {
  alignas(64) BF16 parts[kParts][kTileRows][kTileKeys];
};

inline void split_weights(const TileGroup& group, const ScoresOf<kTileRows>& scores, SplitWeights& weights) {
  using V = Vector512;
  for (int r = 0; r < group.count; ++r) {
    const Slots slots = group.slots[r];
    const auto load = [&](Index from) {
      const bool there = from + V::kWidth > slots.low && from <= slots.high;
      return there ? V::load(scores.values[r] + from) : V::zero();
    };
    const Parts parts = {{weights.parts[0][r], weights.parts[1][r], weights.parts[2][r]}};
    const Index end = group.all.high + 1;
    for (Index i = group.all.low / kTileInputs * kTileInputs; i < end; i += kTileInputs)
      split(load(i), load(i + V::kWidth), parts, i);
  }
}

/// sums = sums * factors, of each row.
inline void shrink_sums(const TileGroup& group, const float* factors, TileStates& states) {
  using V = Vector512;
  // As the sums of single rows.
  const FlushedDenormals arithmetic;
  for (int r = 0; r < group.count; ++r) {
    float* sums = states.sums + (group.row + r) * states.width;
    const __m512 factor = V::set(factors[r]);
    for (Index i = 0; i < states.width; i += V::kWidth) V::store(sums + i, V::mul(V::load(sums + i), factor));
  }
}

/// sums += weights . values
inline void add_values(const PairedTile& tile, const TileGroup& group, const SplitWeights& weights,
                       TileStates& states) {
  constexpr Index kColumns = 4;
  const Index blocks = states.width / kTileOutputs;
  const Index end = group.all.high / kTileInputs;
  for (Index block = 0; block < blocks; block += kColumns) {
    const auto columns = static_cast<int>(blocks - block < kColumns ? blocks - block : kColumns);
    float* sums = states.sums + group.row * states.width + block * kTileOutputs;
    for (int c = 0; c < columns; ++c) load_sums(c, sums + c * kTileOutputs, states.width);
    for (Index step = group.all.low / kTileInputs; step <= end; ++step) {
      const Index at = step * kTileInputs;
      load_parts(weights.parts[0][0] + at, weights.parts[1][0] + at, weights.parts[2][0] + at, kTileKeys);
      for (int c = 0; c < columns; ++c)
        multiply_columns(c, tile.values + (step * blocks + block + c) * kTileElements);
    }
    for (int c = 0; c < columns; ++c) store_sums(c, sums + c * kTileOutputs, states.width);
  }
}

inline void add_group(const PairedTile& tile, const TileGroup& group, TileStates& states) {
  ScoresOf<kTileRows> scores;
  SplitWeights weights;
  shape_attention_tiles(group.count, states);
  score_group(tile, group, states, scores);
  settle();
  weigh<Vector512>(scores, group.slots, group.count, states.totals + group.row);
  split_weights(group, scores, weights);
  shrink_sums(group, scores.factors, states);
  settle();
  add_values(tile, group, weights, states);
  settle();
}

/// Adds the tile at `start` to the rows begin .. end - 1, which all attend to some of it.
inline void add_rows(const AttentionRows& task, Index start, const TileRows<BF16>& rows, Index offset,
                     int begin, int end, TileStates& states) {
  PairedTile tile;
  const Slots all = {slots_of(task, begin, start).low, slots_of(task, end - 1, start).high};
  const bool finite = pair_values(rows, offset, task.head_dim, all, tile);
  if (!finite && end - begin > 1) {
    // Even a weight of zero would let through what is no number: each row sees its own slots alone.
    for (int row = begin; row < end; ++row) add_rows(task, start, rows, offset, row, row + 1, states);
    return;
  }
  pair_keys(rows, offset, task.head_dim, all, tile);
  settle();
  for (int row = begin; row < end; row += kTileRows) {
    TileGroup group;
    group.row = row;
    group.count = end - row < kTileRows ? end - row : static_cast<int>(kTileRows);
    for (int r = 0; r < group.count; ++r) group.slots[r] = slots_of(task, row + r, start);
    group.all = {group.slots[0].low, group.slots[group.count - 1].high};
    add_group(tile, group, states);
  }
}

/// Narrower heads are left to vectors: their tiles would mostly wait for one another.
constexpr Index kNarrowestTileHead = 64;

template <typename Y>
void attention_by_tiles(const AttentionRows& task) {
  if (task.head_dim < kNarrowestTileHead) return attention<RowStates<Vector512>, BF16, Y>(task);
  attention<TileStates, BF16, Y>(task);
}

inline void attention_chunk_by_tiles(const AttentionRows& task, Index chunk) {
  if (task.head_dim < kNarrowestTileHead) return attention_chunk<RowStates<Vector512>, BF16>(task, chunk);
  attention_chunk<TileStates, BF16>(task, chunk);
}

}  // namespace
}  // namespace caravan::cpu
