// A tile of 64 keys and values of a bf16 cache as AMX multiplies by it, and fp32 numbers as bf16 ones.
//
// Tiles of keys have 16 keys and 32 inputs in pairs; tiles of values 16 elements and 32 keys in pairs. An
// fp32 number is exactly the sum of three bf16 ones, of 8 bits each, but for parts that are no normal
// numbers. Two would be faster, by a sixth of prefill's attention, and near ties would choose other tokens
// than other levels do (docs/performance.md). Thread safety: pure functions.
#pragma once

#include "kernels/cpu/amx/tiles.h"
#include "kernels/cpu/common/attention.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

/// bf16 numbers, of 8 bits each, for one of fp32.
constexpr int kParts = 3;
/// Elements of a tile: 16 pairs of 16 columns.
constexpr Index kTileElements = kTileRows * kTileInputs;

/// Where the parts of numbers go that follow each other.
struct Parts {
  BF16* of[kParts];
};

/// 32 numbers.
inline void split(__m512 low, __m512 high, const Parts& to, Index at) {
  for (BF16* part : to.of) {
    const auto bits = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
    _mm512_storeu_si512(part + at, bits);
    low = _mm512_sub_ps(low, Vector512::widened(_mm512_castsi512_si256(bits), part));
    high = _mm512_sub_ps(high, Vector512::widened(_mm512_extracti64x4_epi64(bits, 1), part));
  }
}

struct PairedTile {
  /// [4 blocks of 16 keys, steps of 32 inputs, 16 pairs of inputs, 16 keys, 2]
  alignas(64) BF16 keys[kTileKeys * kMaxHeadDim];
  /// [2 steps of 32 slots, blocks of 16 elements, 16 pairs of slots, 16 elements, 2]
  alignas(64) BF16 values[kTileKeys * kMaxHeadDim];
};

/// Steps of 32 inputs, the last of which zeros fill.
inline Index input_steps(Index head_dim) { return (head_dim + kTileInputs - 1) / kTileInputs; }
inline Index value_blocks(Index head_dim) { return (head_dim + kTileOutputs - 1) / kTileOutputs; }

/// The keys of the blocks that have some of `slots`.
inline void pair_keys(const TileRows<BF16>& rows, Index offset, Index head_dim, Slots slots,
                      PairedTile& tile) {
  using V = Vector512;
  const Index steps = input_steps(head_dim);
  for (Index block = slots.low / kTileOutputs; block <= slots.high / kTileOutputs; ++block) {
    const BF16* const* keys = rows.keys + block * kTileOutputs;
    BF16* to = tile.keys + block * steps * kTileElements;
    for (Index d = 0; d < head_dim; d += kTileInputs, to += kTileElements) {
      __m512 words[V::kWidth];
      if (d + kTileInputs <= head_dim) {
        unroll<V::kWidth>([&](auto j) { words[j.kValue] = load_piece<V>(keys[j.kValue] + offset + d); });
      } else {
        unroll<V::kWidth>(
            [&](auto j) { words[j.kValue] = load_part<V>(keys[j.kValue] + offset + d, head_dim - d); });
      }
      V::transpose(words);
      unroll<V::kWidth>([&](auto pair) {
        _mm512_store_ps(reinterpret_cast<float*>(to + pair.kValue * kTileInputs), words[pair.kValue]);
      });
    }
  }
}

/// 16 elements, of which `count` are there, in the lower halves of 32-bit lanes.
inline __m512i load_halves(const BF16* from, Index count) {
  if (count >= kTileOutputs)
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(Vector512::first(count), from));
}

/// The values of the steps that have some of `slots`, and zeros for slots that are none of them. Returns
/// whether all are finite.
inline bool pair_values(const TileRows<BF16>& rows, Index offset, Index head_dim, Slots slots,
                        PairedTile& tile) {
  const __m512i exponent = _mm512_set1_epi16(0x7F80);
  const Index blocks = value_blocks(head_dim);
  __mmask32 not_finite = 0;
  const Index end = (slots.high / kTileInputs + 1) * kTileRows;
  for (Index pair = slots.low / kTileInputs * kTileRows; pair < end; ++pair) {
    const auto is_there = [&](Index slot) { return slot >= slots.low && slot <= slots.high; };
    const BF16* first = rows.values[2 * pair] + offset;
    const BF16* second = rows.values[2 * pair + 1] + offset;
    const Index first_count = is_there(2 * pair) ? head_dim : 0;
    const Index second_count = is_there(2 * pair + 1) ? head_dim : 0;
    BF16* to = tile.values + (pair / kTileRows * blocks * kTileRows + pair % kTileRows) * kTileInputs;
    for (Index i = 0; i < blocks * kTileOutputs; i += kTileOutputs, to += kTileElements) {
      const __m512i low = first_count == 0 ? _mm512_setzero_si512() : load_halves(first + i, head_dim - i);
      const __m512i high = second_count == 0 ? _mm512_setzero_si512() : load_halves(second + i, head_dim - i);
      const __m512i words = _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
      not_finite |= _mm512_cmpeq_epi16_mask(_mm512_and_si512(words, exponent), exponent);
      _mm512_store_si512(to, words);
    }
  }
  return not_finite == 0;
}

}  // namespace
}  // namespace caravan::cpu
