// Tiles of 64 positions of a cache: where their keys and values lie, and how they are read.
//
// Keys are read 16 (or 8) at a time and transposed in registers, so that a vector holds one input of each of
// them and scores need no sums across lanes. Thread safety: pure functions of their arguments.
#pragma once

#include "kernels/cpu/common/rows.h"

namespace caravan::cpu {
namespace {

/// Keys of a tile, which lies at a multiple of 64 of the absolute position: 64 keys of 128 elements in bf16
/// are half of the L1 cache.
constexpr Index kTileKeys = 64;

/// A number as a type.
template <int kNumber>
struct Number {
  static constexpr int kValue = kNumber;
};

/// Calls body(Number<i>()) for i = 0 .. kCount - 1, so that arrays that it indexes can lie in registers: a
/// compiler may leave a loop as it is.
template <int kCount, int kFrom = 0, typename Body>
[[gnu::always_inline]] inline void unroll(const Body& body) {
  if constexpr (kFrom < kCount) {
    body(Number<kFrom>());
    unroll<kCount, kFrom + 1>(body);
  }
}

/// What an int8 of 1 becomes by V::lifted() is 1 / kLiftedUnit.
constexpr float kLiftedUnit = 0x1p-24F;

/// Elements up to a whole number of any level's vectors.
inline Index padded(Index head_dim) { return (head_dim + 15) / 16 * 16; }

/// Where the keys and values of one tile begin. Slots of positions that nobody attends to repeat a
/// neighbour's, so that they can be read.
template <typename T>
struct TileRows {
  const T* keys[kTileKeys];
  const T* values[kTileKeys];
};
/// In int8 also where the scales of each kScaledGroup slots begin; another head's lie as far on as its keys.
template <>
struct TileRows<I8> {
  const I8* keys[kTileKeys];
  const I8* values[kTileKeys];
  const I8* key_scales[kTileKeys / kScaledGroup];
  const I8* value_scales[kTileKeys / kScaledGroup];
};

/// Finds the scales of the tile at `start`, of which somebody attends to the slots low .. high.
inline void find_scales(const AttentionRows& task, Index start, Index low, Index high, TileRows<I8>& rows) {
  for (Index group = 0; group < kTileKeys / kScaledGroup; ++group) {
    const Index first = low / kScaledGroup;
    const Index last = high / kScaledGroup;
    const Index near = group < first ? first : group < last ? group : last;
    const Index position = start + near * kScaledGroup;
    const Index offset = task.blocks[position / task.block_size] * task.block_stride +
                         position % task.block_size * Index{sizeof(float)};
    rows.key_scales[group] = static_cast<const I8*>(task.k) + offset;
    rows.value_scales[group] = static_cast<const I8*>(task.v) + offset;
  }
}

/// The scales of the slots from `slot` on, a multiple of V::kWidth, of the KV head `offset` bytes further on.
template <typename V>
inline typename V::F load_scales(const I8* const* scales, Index offset, Index slot) {
  const I8* group = scales[slot / kScaledGroup] + offset;
  return V::load(static_cast<const float*>(static_cast<const void*>(group)) + slot % kScaledGroup);
}

/// Sums of products by keys as for_each_input() gives them, of the slots from `slot` on, become scores.
template <typename V, typename T>
inline typename V::F scores_of(typename V::F sums, const TileRows<T>& rows, Index offset, Index slot) {
  if constexpr (kHasScales<T>) {
    return V::mul(sums, V::mul(load_scales<V>(rows.key_scales, offset, slot), V::set(kLiftedUnit)));
  } else {
    return sums;
  }
}

/// Makes the weights of the slots low .. high (and their neighbours in a vector) those of the values as they
/// are stored.
template <typename V, typename T>
inline void scale_weights(const TileRows<T>& rows, Index offset, Index low, Index high, float* weights) {
  if constexpr (kHasScales<T>) {
    for (Index j = low / V::kWidth * V::kWidth; j <= high; j += V::kWidth)
      V::store(weights + j, V::mul(V::load(weights + j), load_scales<V>(rows.value_scales, offset, j)));
  }
}

/// The rows of the tile at `start` for the positions begin .. end - 1, of which it must have at least one.
template <typename T>
inline void find_rows(const AttentionRows& task, Index start, Index begin, Index end, TileRows<T>& rows) {
  const Index low = begin > start ? begin - start : 0;
  const Index high = end < start + kTileKeys ? end - start : kTileKeys;
  Index column = (start + low) / task.block_size;
  Index slot = (start + low) % task.block_size;
  for (Index j = low; j < high; slot = 0, ++column) {
    const Index left = high - j;
    const Index count = left < task.block_size - slot ? left : task.block_size - slot;
    const Index scales = kHasScales<T> ? task.block_size * Index{sizeof(float)} : 0;
    const Index offset = task.blocks[column] * task.block_stride + scales + slot * task.head_dim;
    const T* key = static_cast<const T*>(task.k) + offset;
    const T* value = static_cast<const T*>(task.v) + offset;
    for (Index i = 0; i < count; ++i) {
      rows.keys[j + i] = key + i * task.head_dim;
      rows.values[j + i] = value + i * task.head_dim;
    }
    j += count;
  }
  for (Index j = 0; j < kTileKeys; ++j) {
    const Index near = j < low ? low : high - 1;
    if (j >= low && j < high) continue;
    rows.keys[j] = rows.keys[near];
    rows.values[j] = rows.values[near];
  }
  if constexpr (kHasScales<T>) find_scales(task, start, low, high - 1, rows);
}

/// Elements that fill a vector as they are stored.
template <typename V, typename T>
constexpr Index kPiece = V::kWidth * 4 / Index{sizeof(T)};

/// A vector of stored elements.
template <typename V, typename T>
inline typename V::F load_piece(const T* from) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return V::load(from);
  } else {
    return V::as_floats(V::load_bits(from));
  }
}

/// One of which `count` are there and the others zero.
template <typename V, typename T>
inline typename V::F load_part(const T* from, Index count) {
  alignas(64) T all[kPiece<V, T>] = {};
  for (Index i = 0; i < count; ++i) all[i] = from[i];
  return load_piece<V>(static_cast<const T*>(all));
}

/// Calls use(i, inputs) for the inputs d + i, i = 0 .. kPiece - 1, of V::kWidth keys of head_dim elements; a
/// lane is a key. The keys begin `offset` elements after `keys`. int8 inputs are 1 / kLiftedUnit times as
/// large as they are stored, which takes an instruction less.
template <typename V, typename T, typename Use>
[[gnu::always_inline]] inline void for_each_input(const T* const* keys, Index offset, Index d, Index head_dim,
                                                  const Use& use) {
  typename V::F words[V::kWidth];
  if (d + kPiece<V, T> <= head_dim) {
    unroll<V::kWidth>([&](auto j) { words[j.kValue] = load_piece<V>(keys[j.kValue] + offset + d); });
  } else {
    unroll<V::kWidth>(
        [&](auto j) { words[j.kValue] = load_part<V>(keys[j.kValue] + offset + d, head_dim - d); });
  }
  V::transpose(words);
  unroll<V::kWidth>([&](auto word) {
    constexpr int kWord = word.kValue;
    if constexpr (sizeof(T) == sizeof(float)) {
      use(kWord, words[kWord]);
    } else if constexpr (sizeof(T) == 1) {
      unroll<4>(
          [&](auto byte) { use(4 * kWord + byte.kValue, V::template lifted<byte.kValue>(words[kWord])); });
    } else {
      use(2 * kWord, V::low(words[kWord], keys[0]));
      use(2 * kWord + 1, V::high(words[kWord], keys[0]));
    }
  });
}

/// Copies `count` elements, widened, and zeros up to a multiple of 16.
template <typename V, typename T>
inline void widen(const T* from, float* to, Index count) {
  Index i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth) V::store(to + i, V::load(from + i));
  for (; i < padded(count); i += V::kWidth)
    V::store(to + i, i < count ? V::load_part(from + i, count - i) : V::zero());
}

/// A tile as the products want it.
struct WideTile {
  alignas(64) float keys[kMaxHeadDim * kTileKeys];    ///< [inputs up to a whole piece, 64]
  alignas(64) float values[kTileKeys * kMaxHeadDim];  ///< [64, padded(head_dim)]
};

/// Widens the keys of the slots low .. high (and their neighbours in a vector), and their values, of the KV
/// head that lies `offset` elements after `rows`.
template <typename V, typename T>
inline void widen_tile(const TileRows<T>& rows, Index offset, Index head_dim, Index low, Index high,
                       WideTile& tile) {
  for (Index j = low / V::kWidth * V::kWidth; j <= high; j += V::kWidth) {
    for (Index d = 0; d < head_dim; d += kPiece<V, T>) {
      for_each_input<V, T>(rows.keys + j, offset, d, head_dim, [&](int i, typename V::F inputs) {
        V::store(tile.keys + (d + i) * kTileKeys + j, inputs);
      });
    }
  }
  for (Index j = low; j <= high; ++j)
    widen<V>(rows.values[j] + offset, tile.values + j * padded(head_dim), head_dim);
}

}  // namespace
}  // namespace caravan::cpu
