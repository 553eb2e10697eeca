// The block formats of GGUF tensors: the whole numbers that a block holds and what they mean, as
// tensor/quantization.h has it; and blocks expanded to fp32, bit for bit as gguf-py's quants.py does.
//
// A block stands for scale * (q - zero), or scale * u - minimum. All have fp16 scales (and minimums),
// little-endian; "q" below is an unsigned quantum. Low nibbles come before high ones: bits 0-3 of a byte,
// then bits 4-7.
//
//     Q4_0  18 bytes, 32 values: scale d; 16 bytes, whose low nibbles are q 0-15 and high ones q 16-31.
//           Value: d (q - 8).
//     Q4_1  20 bytes, 32 values: scale d; m; nibbles as of Q4_0. Value: d q + m.
//     Q5_0  22 bytes, 32 values: scale d; 4 bytes, whose bit i is the fifth bit of q i; nibbles as of Q4_0.
//           Value: d (q - 16).
//     Q5_1  24 bytes, 32 values: scale d; m; 4 bytes of fifth bits; nibbles as of Q4_0. Value: d q + m.
//     Q8_0  34 bytes, 32 values: scale d; 32 signed bytes s. Value: s d.
//     Q4_K  144 bytes, 256 values in 8 groups of 32: scale d; scale of minimums e; 12 bytes of 6-bit numbers,
//     a scale s and a
//           minimum m for each group (below); 128 bytes of nibbles, in each 32 of which the low ones are the
//           q of an even group and the high ones of the odd group after it. Value: (d s) q - (e m).
//     Q5_K  176 bytes, 256 values in 8 groups of 32: d, e and 12 bytes as of Q4_K; 32 bytes, of which bit j
//     of byte i is the
//           fifth bit of q i of group j; 128 bytes of nibbles as of Q4_K. Value: (d s) q - (e m).
//     Q6_K  210 bytes, 256 values in 16 groups of 16: 128 bytes of nibbles, in each 64 of which the low ones
//     are the low bits
//           of q 0-63 of a half and the high ones of q 64-127; 64 bytes of high bits, in each 32 of which
//           bits 2 k and 2 k + 1 of byte i are above q 32 k + i of a half; 16 signed bytes s, a scale for
//           each group; scale d. Value: (d s) (q - 32).
//
// Of the 12 bytes b: for group j below 4, s is the low 6 bits of b[j] and m those of b[j + 4]; for group j
// from 4 on, s is the low nibble of b[j + 4] with the high 2 bits of b[j - 4] above it, and m the high nibble
// of b[j + 4] with the high 2 bits of b[j]. Thread safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "checkpoint/gguf/ggml_type.h"
#include "tensor/quantization.h"

namespace caravan {

/// The types whose blocks are read.
constexpr std::array<GgmlType, 8> kExpandable = {GgmlType::kQ40, GgmlType::kQ41, GgmlType::kQ50,
                                                 GgmlType::kQ51, GgmlType::kQ80, GgmlType::kQ4K,
                                                 GgmlType::kQ5K, GgmlType::kQ6K};
bool is_expandable(GgmlType type);

/// The most elements that a block of such a type holds.
constexpr size_t kMaxBlockElements = 256;

/// How a matrix of such blocks is quantised. Numbers of 5 and 6 bits are as those of 8.
WeightQuant quant_of(GgmlType type);

/// What a block's groups have in common. 0 is the minimum of a type without minimums.
struct BlockScales {
  float scale = 0.0F;
  float minimum = 0.0F;
};
BlockScales scales_of_block(GgmlType type, const std::byte* block);

/// What those are multiplied by for one group: 1 where the type has no blocks of groups.
struct GroupMultiples {
  int8_t scale = 1;
  int8_t minimum = 1;
};
GroupMultiples multiples_of_group(GgmlType type, const std::byte* block, size_t group);

/// Writes a block's signed numbers, as quant_of() says, to `numbers`.
void read_numbers(GgmlType type, const std::byte* block, int8_t* numbers);

/// Expands the whole blocks in `blocks`, of an expandable type, to `values`, which has room for all of them.
void expand_blocks(GgmlType type, std::span<const std::byte> blocks, float* values);

}  // namespace caravan
