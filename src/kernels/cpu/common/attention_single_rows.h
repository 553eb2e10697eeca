// What one tile of keys and values adds to rows that are each alone with their KV head: decoding without
// grouped queries. Keys and values are read once, straight from the cache.
//
// Memory is the limit here, and is fastest in long pieces, which the CPU's own prefetching follows: of each
// block of the cache the keys of all heads are read, which lie next to each other, and when the tile's
// weights are known the values likewise. Each element has the same multiply-adds in the same order as where
// there are many rows: the score_keys() for a States and its ValueSums see to it.
// Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/attention_row_states.h"

namespace caravan::cpu {
namespace {

/// Slots of one head that are read before the next head's: a block of the usual size.
constexpr Index kPieceSlots = 16;

/// Asks for what lies a page after `at`. The CPU's own prefetching ends with a page: so it has begun with the
/// next when that is reached (measured on an Intel CPU with AMX: 1.4 times as fast in int8, 1.15 in bf16;
/// without the loads of touch() it gains nothing).
template <typename T>
inline void ask_ahead(const T* at) {
  constexpr Index kPageBytes = 4096;
  __builtin_prefetch(reinterpret_cast<const char*>(at) + kPageBytes);
}

/// A tile's scores of all rows, kProductRows in each.
struct AllScores {
  Scores groups[AttentionRows::kMaxRows / kProductRows];
  float* of(int row) { return groups[row / kProductRows].values[row % kProductRows]; }
};

/// Keys that are read next, from the first of kPieceSlots to the last of `heads` heads.
template <typename T>
struct NextKeys {
  const T* const* keys;
  Index offset;
  int heads;
};

/// Reads one of `parts` parts of them, and throws it away, so that they are in the cache when they are
/// wanted. In order, which the CPU's own prefetching follows, unlike the order in which keys are transposed;
/// and by loads, because prefetch instructions do not start it (measured: 1.7 times as fast).
template <typename T>
inline void touch(const AttentionRows& task, const NextKeys<T>& next, Index part, Index parts) {
  constexpr Index kLineElements = 64 / Index{sizeof(T)};
  const Index rows = next.heads * kPieceSlots;
  for (Index r = rows * part / parts; r < rows * (part + 1) / parts; ++r) {
    const T* key = next.keys[r % kPieceSlots] + next.offset + r / kPieceSlots * task.head_stride;
    for (Index d = 0; d < task.head_dim; d += kLineElements) {
      ask_ahead(key + d);
      [[maybe_unused]] const char touched = *reinterpret_cast<const volatile char*>(key + d);
    }
  }
}

/// The scores of kHeads rows, each of its own head, against kPieceSlots keys from `slot` on.
template <int kHeads, typename T, typename V>
inline void score_keys(const AttentionRows& task, const TileRows<T>& tile, const NextKeys<T>& next,
                       Index slot, int row, RowStates<V>& states, AllScores& scores) {
  constexpr int kVectors = kPieceSlots / V::kWidth;
  const Index parts = (task.head_dim + kPiece<V, T> - 1) / kPiece<V, T> * kHeads * kVectors;
  Index part = 0;
  const float* q = states.q + row * states.q_width;
  typename V::F sums[kHeads * kVectors];
  unroll<kHeads * kVectors>([&](auto v) { sums[v.kValue] = V::zero(); });
  for (Index d = 0; d < task.head_dim; d += kPiece<V, T>) {
    // One vector's transposition hides the latency of another's multiply-adds.
    unroll<kHeads * kVectors>([&](auto v) {
      constexpr int kVector = v.kValue;
      constexpr int kHead = kVector / kVectors;
      touch(task, next, part++, parts);
      const T* const* keys = tile.keys + slot + kVector % kVectors * V::kWidth;
      for_each_input<V, T>(
          keys, (row + kHead) * task.head_stride, d, task.head_dim, [&](int i, typename V::F inputs) {
            sums[kVector] = V::fma(V::set(q[kHead * states.q_width + d + i]), inputs, sums[kVector]);
          });
    });
  }
  unroll<kHeads * kVectors>([&](auto v) {
    constexpr int kHead = v.kValue / kVectors;
    const Index from = slot + v.kValue % kVectors * V::kWidth;
    V::store(scores.of(row + kHead) + from,
             scores_of<V>(sums[v.kValue], tile, (row + kHead) * task.head_stride, from));
  });
}

/// sums = sums * factor + weights . values for kVectors vectors from `column` on, and the slots low .. high.
template <typename States, int kVectors, typename T, typename Weights>
inline void add_columns(const T* const* values, Index offset, const Weights& weights, float factor,
                        Slots slots, Index column, Index head_dim, float* sums) {
  using V = typename States::V;
  typename States::template ValueSums<kVectors> lines(sums + column, factor);
  for (Index j = slots.low; j <= slots.high; ++j) {
    const T* value = values[j] + offset + column;
    if constexpr (kVectors > 1) {
      for (Index i = 0; i < kVectors * V::kWidth; i += 64 / Index{sizeof(T)}) ask_ahead(value + i);
    }
    const bool whole = kVectors > 1 || column + V::kWidth <= head_dim;
    lines.add(weights, j, [&](int v) {
      return whole ? V::load(value + v * V::kWidth) : V::load_part(value, head_dim - column);
    });
  }
  lines.end_slots();
  for (int v = 0; v < kVectors; ++v) V::store(sums + column + v * V::kWidth, lines.lines[v]);
}

/// sums = sums * factor + weights . values for the slots low .. high of a row's tile.
template <typename T, typename States>
inline void add_slots(const AttentionRows& task, const TileRows<T>& tile, int row, float factor, Slots slots,
                      const float* weights, States& states) {
  using V = typename States::V;
  const Index offset = row * task.head_stride;
  float* sums = states.sums + row * states.width;
  const auto prepared = states.weights_of(weights, slots);
  Index column = 0;
  const auto add = [&](auto vectors, Index least) {
    constexpr int kVectors = decltype(vectors)::kValue;
    for (; column + least <= task.head_dim; column += kVectors * V::kWidth) {
      add_columns<States, kVectors>(tile.values, offset, prepared, factor, slots, column, task.head_dim,
                                    sums);
    }
  };
  if constexpr (States::kMostValueVectors == 8) add(Number<8>(), 8 * V::kWidth);
  add(Number<4>(), 4 * V::kWidth);
  add(Number<1>(), 1);
}

/// Calls body(slots, row) for every `rows`th row, for one piece of `slots` after the other: `least` (16 or
/// 32) slots, or what a block of the cache has of a tile.
template <typename Body>
inline void for_each_piece(const AttentionRows& task, Slots slots, int rows, Index least, const Body& body) {
  const Index wide = task.block_size % 32 == 0 ? 32 : least;
  const Index block = task.block_size % kTileKeys == 0 ? kTileKeys : wide;
  for (Index piece = slots.low / block * block; piece <= slots.high; piece += block) {
    const Index high = piece + block <= slots.high ? piece + block - 1 : slots.high;
    const Index low = piece > slots.low ? piece : slots.low;
    for (int row = 0; row < task.rows; row += rows) body(Slots{low, high}, row);
  }
}

/// Adds the tile at `start` to all rows, of which each is the only one of its head.
template <typename T, typename States>
inline void add_single_rows(const AttentionRows& task, Index start, const TileRows<T>& tile, States& states) {
  using V = typename States::V;
  AllScores scores;
  const Slots slots = slots_of(task, 0, start);
  constexpr int kHeads = States::template kHeadsAtATime<T>;
  const auto score = [&](Slots piece, int row) {
    for (Index j = piece.low / kPieceSlots * kPieceSlots; j <= piece.high; j += kPieceSlots) {
      const bool down = row + kHeads < task.rows;
      const int then = down ? row + kHeads : 0;
      const Index next_slot = down ? j : (j + kPieceSlots) % kTileKeys;
      const NextKeys<T> next = {tile.keys + next_slot, then * task.head_stride,
                                task.rows - then < kHeads ? task.rows - then : kHeads};
      if (row + kHeads <= task.rows) {
        score_keys<kHeads>(task, tile, next, j, row, states, scores);
      } else {
        for (int last = row; last < task.rows; ++last)
          score_keys<1>(task, tile, next, j, last, states, scores);
      }
    }
  };
  for_each_piece(task, slots, kHeads, kPieceSlots, score);
  const Slots same[kProductRows] = {slots, slots, slots, slots, slots, slots};
  for (int row = 0; row < task.rows; row += kProductRows) {
    const Index count = task.rows - row < kProductRows ? task.rows - row : kProductRows;
    weigh<V>(scores.groups[row / kProductRows], same, count, states.totals + row);
  }
  [[maybe_unused]] const typename States::Arithmetic arithmetic{};
  for_each_piece(task, slots, 1, States::kLeastSlots, [&](Slots piece, int row) {
    const float factor =
        piece.low == slots.low ? scores.groups[row / kProductRows].factors[row % kProductRows] : 1.0F;
    scale_weights<V>(tile, row * task.head_stride, piece.low, piece.high, scores.of(row));
    add_slots(task, tile, row, factor, piece, scores.of(row), states);
  });
}

}  // namespace
}  // namespace caravan::cpu
