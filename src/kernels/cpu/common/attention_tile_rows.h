// What one tile of keys and values adds to the rows of an attention call: many rows by matrix products over a
// widened copy, a single row straight from the cache.
//
// Both ways do the same multiply-adds in the same order for each element: a row's bits do not depend on which
// is taken. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/attention_row_states.h"

namespace caravan::cpu {
namespace {

/// Rows `row` to `row` + `count` - 1 (at most 6) that all attend to some of the tile.
struct RowGroup {
  int row = 0;
  int count = 0;
  Slots slots[kProductRows];
};

/// sums = sums * factors + weights . values, for each row over its own slots only: what lies in the others
/// may be no number, which even a weight of zero would let through.
template <typename V>
inline void add_values(const RowGroup& group, const WideTile& tile, const Scores& scores,
                       RowStates<V>& states) {
  const auto add = [&](int r, int count, Index low, Index high, bool first) {
    if (low > high) return;
    multiply<V>({.a = scores.values[r] + low,
                 .a_stride = kTileKeys,
                 .b = tile.values + low * states.width,
                 .b_stride = states.width,
                 .depth = high - low + 1,
                 .c = states.sums + (group.row + r) * states.width,
                 .c_stride = states.width,
                 .rows = count,
                 .columns = states.width,
                 .factors = first ? scores.factors + r : nullptr,
                 .adds = true});
  };
  // Rows are in order of position, so that the last begins last and the first ends first.
  const Index low = group.slots[group.count - 1].low;
  const Index high = group.slots[0].high;
  if (low == group.slots[0].low && high == group.slots[group.count - 1].high)
    return add(0, group.count, low, high, true);
  if (low > high || low > group.slots[0].low) {
    for (int r = 0; r < group.count; ++r) add(r, 1, group.slots[r].low, group.slots[r].high, true);
    return;
  }
  add(0, group.count, low, high, true);
  for (int r = 0; r < group.count; ++r) add(r, 1, high + 1, group.slots[r].high, false);
}

/// `tile` is what `rows` has at `offset`, widened.
template <typename V, typename T>
inline void add_group(const AttentionRows& task, const RowGroup& group, const TileRows<T>& rows, Index offset,
                      const WideTile& tile, RowStates<V>& states) {
  Scores scores;
  const Index column = group.slots[0].low / V::kWidth * V::kWidth;
  const Index end = group.slots[group.count - 1].high / V::kWidth * V::kWidth + V::kWidth;
  multiply<V>({.a = states.q + group.row * states.q_width,
               .a_stride = states.q_width,
               .b = tile.keys + column,
               .b_stride = kTileKeys,
               .depth = task.head_dim,
               .c = scores.values[0] + column,
               .c_stride = kTileKeys,
               .rows = group.count,
               .columns = end - column});
  if constexpr (kHasScales<T>) {
    for (Index r = 0; r < group.count; ++r) {
      float* row = scores.values[r];
      for (Index j = column; j < end; j += V::kWidth)
        V::store(row + j, scores_of<V>(V::load(row + j), rows, offset, j));
    }
  }
  weigh<V>(scores, group.slots, group.count, states.totals + group.row);
  for (Index r = 0; r < group.count; ++r)
    scale_weights<V>(rows, offset, group.slots[r].low, group.slots[r].high, scores.values[r]);
  add_values<V>(group, tile, scores, states);
}

/// Adds the tile at `start` to the rows begin .. end - 1, which all attend to some of it.
template <typename V, typename T>
inline void add_rows(const AttentionRows& task, Index start, const TileRows<T>& rows, Index offset, int begin,
                     int end, RowStates<V>& states) {
  WideTile tile;
  widen_tile<V>(rows, offset, task.head_dim, slots_of(task, begin, start).low,
                slots_of(task, end - 1, start).high, tile);
  // Groups of even sizes: of 6 and 1 rows the second would take as long as the first.
  const int groups = (end - begin + kProductRows - 1) / kProductRows;
  for (int g = 0; g < groups; ++g) {
    RowGroup group;
    group.row = begin + (end - begin) * g / groups;
    group.count = begin + (end - begin) * (g + 1) / groups - group.row;
    for (int r = 0; r < group.count; ++r) group.slots[r] = slots_of(task, group.row + r, start);
    add_group<V>(task, group, rows, offset, tile, states);
  }
}

}  // namespace
}  // namespace caravan::cpu
