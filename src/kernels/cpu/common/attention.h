// Flash attention (arXiv:2205.14135) for any vector type V: online softmax over tiles of 16 positions.
//
// Tiles lie at multiples of 16 of the absolute position, and each row's arithmetic looks at its own range
// only: a row's result does not depend on the rows beside it, nor on how the cache is cut into blocks. Thread
// safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/rows.h"

namespace caravan::cpu {
namespace {

constexpr int kTile = 16;
constexpr float kMinusInfinity = -__builtin_inff();

/// The rows of a call while it runs: queries, sums of values, and the softmax's running maximum and total.
template <typename V>
struct RowStates {
  alignas(64) float q[AttentionRows::kMaxRows][kMaxHeadDim];
  alignas(64) float sum[AttentionRows::kMaxRows][kMaxHeadDim];
  float largest[AttentionRows::kMaxRows];
  float total[AttentionRows::kMaxRows];
};

/// 16 keys or values, widened, each row padded with zeros to a multiple of 16.
struct Tile {
  alignas(64) float row[kTile][kMaxHeadDim];
};

inline Index padded(Index head_dim) { return (head_dim + 15) / 16 * 16; }

/// Copies `count` elements, widened, and zeros up to a multiple of 16.
template <typename V, typename T>
inline void widen(const T* from, float* to, Index count) {
  for_each_vector<V>(0, padded(count), [&](Index i, Index) {
    const Index left = count - i;
    V::store(to + i, left >= V::kWidth ? V::load(from + i) : V::load_part(from + i, left > 0 ? left : 0));
  });
}

/// Loads positions `begin` .. `end` - 1 (at most 16, of one tile) of a cache.
template <typename V, typename T>
inline void load_tile(const AttentionRows& task, const void* cache, Index begin, Index end, Tile& tile) {
  Index column = begin / task.block_size;
  Index slot = begin % task.block_size;
  for (Index position = begin; position < end; ++position) {
    const Index offset = task.blocks[column] * task.block_stride + slot * task.head_dim;
    widen<V>(static_cast<const T*>(cache) + offset, tile.row[position % kTile], task.head_dim);
    if (++slot == task.block_size) {
      slot = 0;
      ++column;
    }
  }
}

/// scores[j] = q . keys[j] for j in low .. high, minus infinity elsewhere. [16]
template <typename V>
inline void score(const float* q, const Tile& keys, Index width, float scale, Index low, Index high,
                  float* scores) {
  for (int group = 0; group < kTile; group += 4) {
    typename V::F sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
    for (Index i = 0; i < width; i += V::kWidth) {
      const typename V::F query = V::load(q + i);
      for (int j = 0; j < 4; ++j) sums[j] = V::fma(query, V::load(keys.row[group + j] + i), sums[j]);
    }
    for (int j = 0; j < 4; ++j) {
      const bool attended = group + j >= low && group + j <= high;
      scores[group + j] = attended ? V::sum(sums[j]) * scale : kMinusInfinity;
    }
  }
}

/// Adds one tile to a row: positions low .. high of it, counted from the tile's start.
template <typename V>
inline void add_tile(const Tile& keys, const Tile& values, const AttentionRows& task, RowStates<V>& states,
                     int row, Index low, Index high) {
  const Index width = padded(task.head_dim);
  alignas(64) float weights[kTile];
  score<V>(states.q[row], keys, width, task.scale, low, high, weights);
  float largest = states.largest[row];
  for (Index j = low; j <= high; ++j) largest = weights[j] > largest ? weights[j] : largest;
  // A score that is not a number, or minus infinity throughout, must not divide infinities.
  const float base = largest == kMinusInfinity ? 0.0F : largest;
  alignas(64) float shrink[V::kWidth];
  V::store(shrink, exp_of<V>(V::set(states.largest[row] - base)));
  typename V::F added = V::zero();
  for (Index j = 0; j < kTile; j += V::kWidth) {
    const typename V::F weight = exp_of<V>(V::sub(V::load(weights + j), V::set(base)));
    V::store(weights + j, weight);
    added = V::add(added, weight);
  }
  states.total[row] = states.total[row] * shrink[0] + V::sum(added);
  states.largest[row] = largest;
  const typename V::F factor = V::set(shrink[0]);
  for (Index i = 0; i < width; i += V::kWidth) {
    typename V::F sum = V::mul(V::load(states.sum[row] + i), factor);
    for (Index j = low; j <= high; ++j) sum = V::fma(V::set(weights[j]), V::load(values.row[j] + i), sum);
    V::store(states.sum[row] + i, sum);
  }
}

template <typename V, typename T, typename Y>
void attention(const AttentionRows& task) {
  RowStates<V> states;
  Tile keys;
  Tile values;
  for (auto& line : keys.row) {
    for (Index i = 0; i < padded(task.head_dim); ++i) line[i] = 0.0F;
  }
  Index first = task.first[0];
  Index last = task.last[0];
  for (int row = 0; row < task.rows; ++row) {
    widen<V>(task.q[row], states.q[row], task.head_dim);
    for (Index i = 0; i < padded(task.head_dim); ++i) states.sum[row][i] = 0.0F;
    states.largest[row] = kMinusInfinity;
    states.total[row] = 0.0F;
    first = task.first[row] < first ? task.first[row] : first;
    last = task.last[row] > last ? task.last[row] : last;
  }
  for (Index start = first / kTile * kTile; start <= last; start += kTile) {
    const Index begin = start < first ? first : start;
    const Index end = start + kTile <= last ? start + kTile : last + 1;
    load_tile<V, T>(task, task.k, begin, end, keys);
    load_tile<V, T>(task, task.v, begin, end, values);
    for (int row = 0; row < task.rows; ++row) {
      const Index low = task.first[row] > start ? task.first[row] - start : 0;
      const Index high = task.last[row] < start + kTile ? task.last[row] - start : kTile - 1;
      if (low <= high) add_tile<V>(keys, values, task, states, row, low, high);
    }
  }
  for (int row = 0; row < task.rows; ++row) {
    const typename V::F scale = V::set(1.0F / states.total[row]);
    for_each_vector<V>(0, task.head_dim, [&](Index i, Index count) {
      write<V>(static_cast<Y*>(task.y[row]) + i, V::mul(V::load(states.sum[row] + i), scale), count);
    });
  }
}

}  // namespace
}  // namespace caravan::cpu
