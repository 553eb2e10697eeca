// Flash attention (arXiv:2205.14135) for any vector type V: the keys in chunks of 512 positions, each chunk's
// softmax online over tiles of 64, and the chunks merged in order (flash decoding: Dao et al., 2023).
//
// `States` is how a call's rows are kept while they run, for which start_rows() and add_rows() are written:
// RowStates here, by vectors; amx/attention.h has another. V is States::V.
//
// Chunks and tiles lie at multiples of the absolute position, and each row's arithmetic looks at its own
// range only: a row's bits do not depend on the rows beside it, on how the cache is cut into blocks, nor on
// whether one call does all chunks or each is done by another. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/attention_single_rows.h"
#include "kernels/cpu/common/attention_tile_rows.h"

namespace caravan::cpu {
namespace {

/// Where a chunk's result has its largest score and its total, after the sums.
inline Index largest_at(Index head_dim) { return padded(head_dim); }
inline Index total_at(Index head_dim) { return padded(head_dim) + 1; }

inline Index chunk_of(Index position) { return position / kAttentionChunk; }

template <typename V>
inline void start_rows(const AttentionRows& task, RowStates<V>& states) {
  states.width = padded(task.head_dim);
  states.q_width = (task.head_dim + 63) / 64 * 64;
  const typename V::F scale = V::set(task.scale);
  for (int row = 0; row < task.rows; ++row) {
    float* q = states.q + row * states.q_width;
    widen<V>(task.q[row], q, task.head_dim);
    for (Index i = 0; i < states.width; i += V::kWidth) V::store(q + i, V::mul(V::load(q + i), scale));
    for (Index i = states.width; i < states.q_width; ++i) q[i] = 0.0F;
  }
}

/// The rows of a head that attend to some of a chunk: begin .. end - 1.
struct RowRange {
  int begin = 0;
  int end = 0;
};
inline RowRange rows_in(const AttentionRows& task, Index chunk) {
  RowRange range = {0, task.head_rows};
  while (range.begin < range.end && chunk_of(task.last[range.begin]) < chunk) ++range.begin;
  while (range.begin < range.end && chunk_of(task.first[range.end - 1]) > chunk) --range.end;
  return range;
}

/// Calls body(row) for those rows of every head.
template <typename Body>
inline void for_each_row(const AttentionRows& task, RowRange range, const Body& body) {
  for (int first = 0; first < task.rows; first += task.head_rows) {
    for (int row = first + range.begin; row < first + range.end; ++row) body(row);
  }
}

/// Adds the tile at `start` to those of the rows that attend to some of it.
template <typename T, typename States>
inline void run_tile(const AttentionRows& task, Index start, RowRange range, const TileRows<T>& tile,
                     States& states) {
  if (task.head_rows == 1) return add_single_rows(task, start, tile, states);
  while (range.begin < range.end && task.last[range.begin] < start) ++range.begin;
  while (range.begin < range.end && task.first[range.end - 1] >= start + kTileKeys) --range.end;
  if (range.begin == range.end) return;
  for (int first = 0; first < task.rows; first += task.head_rows) {
    const Index offset = first / task.head_rows * task.head_stride;
    add_rows(task, start, tile, offset, first + range.begin, first + range.end, states);
  }
}

/// Runs the rows of `range`, which must have some, over `chunk`.
template <typename T, typename States>
inline void run_chunk(const AttentionRows& task, Index chunk, RowRange range, States& states) {
  using V = typename States::V;
  for_each_row(task, range, [&](int row) {
    for (Index i = 0; i < states.width; i += V::kWidth)
      V::store(states.sums + row * states.width + i, V::zero());
    V::store(states.totals[row].lanes, V::zero());
    states.totals[row].largest = kMinusInfinity;
  });
  const Index chunk_begin = chunk * kAttentionChunk;
  const Index chunk_end = chunk_begin + kAttentionChunk;
  const Index first = task.first[range.begin] > chunk_begin ? task.first[range.begin] : chunk_begin;
  const Index last = task.last[range.end - 1] + 1;
  const Index end = last < chunk_end ? last : chunk_end;
  for (Index start = first / kTileKeys * kTileKeys; start < end; start += kTileKeys) {
    TileRows<T> tile;
    find_rows(task, start, first, end, tile);
    run_tile(task, start, range, tile, states);
  }
}

/// Stores what a row has of a chunk: sums, largest score and total. result: as AttentionRows::partials.
template <typename States>
inline void store_result(const States& states, int row, Index head_dim, float* result) {
  using V = typename States::V;
  for (Index i = 0; i < states.width; i += V::kWidth)
    V::store(result + i, V::load(states.sums + row * states.width + i));
  result[largest_at(head_dim)] = states.totals[row].largest;
  result[total_at(head_dim)] = V::sum(V::load(states.totals[row].lanes));
}

/// Adds a later chunk's result to what earlier ones came to.
template <typename V>
inline void merge_result(const float* later, Index head_dim, float* result) {
  const float before = result[largest_at(head_dim)];
  const float after = later[largest_at(head_dim)];
  const float largest = before > after ? before : after;
  const float base = largest == kMinusInfinity ? 0.0F : largest;
  alignas(64) float factors[16] = {before - base, after - base};
  V::store(factors, exp_of<V>(V::load(factors)));
  const typename V::F shrink = V::set(factors[0]);
  const typename V::F factor = V::set(factors[1]);
  for (Index i = 0; i < padded(head_dim); i += V::kWidth)
    V::store(result + i, V::fma(V::load(later + i), factor, V::mul(V::load(result + i), shrink)));
  result[largest_at(head_dim)] = largest;
  result[total_at(head_dim)] =
      result[total_at(head_dim)] * factors[0] + later[total_at(head_dim)] * factors[1];
}

template <typename V, typename Y>
inline void finish_row(const float* result, Index head_dim, void* y) {
  const typename V::F scale = V::set(1.0F / result[total_at(head_dim)]);
  for_each_vector<V>(0, head_dim, [&](Index i, Index count) {
    write<V>(static_cast<Y*>(y) + i, V::mul(V::load(result + i), scale), count);
  });
}

/// All of a call's rows, from the queries to y.
template <typename States, typename T, typename Y>
void attention(const AttentionRows& task) {
  using V = typename States::V;
  States states;
  // Of each row up to now, and of one chunk.
  constexpr Index kMaxResult = kMaxHeadDim + kAttentionResultTail;
  alignas(64) float results[AttentionRows::kMaxRows * kMaxResult];
  alignas(64) float later[kMaxResult];
  const Index stride = padded(task.head_dim) + kAttentionResultTail;
  start_rows(task, states);
  const Index last_chunk = chunk_of(task.last[task.head_rows - 1]);
  for (Index chunk = chunk_of(task.first[0]); chunk <= last_chunk; ++chunk) {
    const RowRange range = rows_in(task, chunk);
    if (range.begin == range.end) continue;
    run_chunk<T>(task, chunk, range, states);
    for_each_row(task, range, [&](int row) {
      float* result = results + row * stride;
      if (chunk == chunk_of(task.first[row])) return store_result(states, row, task.head_dim, result);
      store_result(states, row, task.head_dim, later);
      merge_result<V>(later, task.head_dim, result);
    });
  }
  for (int row = 0; row < task.rows; ++row)
    finish_row<V, Y>(results + row * stride, task.head_dim, task.y[row]);
}

/// One chunk of a call's rows, into their partials.
template <typename States, typename T>
void attention_chunk(const AttentionRows& task, Index chunk) {
  const RowRange range = rows_in(task, chunk);
  if (range.begin == range.end) return;
  States states;
  start_rows(task, states);
  run_chunk<T>(task, chunk, range, states);
  const Index stride = padded(task.head_dim) + kAttentionResultTail;
  for_each_row(task, range, [&](int row) {
    float* result = task.partials[row] + (chunk - chunk_of(task.first[row])) * stride;
    store_result(states, row, task.head_dim, result);
  });
}

/// From the partials of all chunks to y. Leaves the partials changed.
template <typename V, typename Y>
void attention_merge(const AttentionRows& task) {
  const Index stride = padded(task.head_dim) + kAttentionResultTail;
  for (int row = 0; row < task.rows; ++row) {
    const Index chunks = chunk_of(task.last[row]) - chunk_of(task.first[row]) + 1;
    for (Index chunk = 1; chunk < chunks; ++chunk)
      merge_result<V>(task.partials[row] + chunk * stride, task.head_dim, task.partials[row]);
    finish_row<V, Y>(task.partials[row], task.head_dim, task.y[row]);
  }
}

}  // namespace
}  // namespace caravan::cpu
