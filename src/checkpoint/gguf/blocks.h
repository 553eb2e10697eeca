// The block formats of GGUF tensors, expanded to fp32 bit for bit as gguf-py's quants.py does.
//
// Every scale is an fp16 number, every number little-endian; "q" is an unsigned quantum. Low nibbles come
// before high ones: bits 0-3 of a byte, then bits 4-7. Thread safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "checkpoint/gguf/ggml_type.h"

namespace caravan {

/// The types that expand_blocks() expands.
constexpr std::array<GgmlType, 8> kExpandable = {GgmlType::kQ40, GgmlType::kQ41, GgmlType::kQ50,
                                                 GgmlType::kQ51, GgmlType::kQ80, GgmlType::kQ4K,
                                                 GgmlType::kQ5K, GgmlType::kQ6K};
bool is_expandable(GgmlType type);

/// The most elements that a block of such a type holds.
constexpr size_t kMaxBlockElements = 256;

/// Expands the whole blocks in `blocks`, of an expandable type, to `values`, which has room for all of them.
void expand_blocks(GgmlType type, std::span<const std::byte> blocks, float* values);

// Each expands one block.

/// 18 bytes, 32 values: scale d; 16 bytes, whose low nibbles are q 0-15 and high ones q 16-31.
/// Value: d (q - 8).
void expand_q4_0(const std::byte* block, float* values);

/// 20 bytes, 32 values: scale d; minimum m; nibbles as of Q4_0. Value: d q + m.
void expand_q4_1(const std::byte* block, float* values);

/// 22 bytes, 32 values: scale d; 4 bytes, whose bit i is the fifth bit of q i; nibbles as of Q4_0.
/// Value: d (q - 16).
void expand_q5_0(const std::byte* block, float* values);

/// 24 bytes, 32 values: scale d; minimum m; 4 bytes of fifth bits; nibbles as of Q4_0. Value: d q + m.
void expand_q5_1(const std::byte* block, float* values);

/// 34 bytes, 32 values: scale d; 32 signed bytes s. Value: s d.
void expand_q8_0(const std::byte* block, float* values);

/// 144 bytes, 256 values in 8 groups of 32: scale d; scale of minima e; 12 bytes of 6-bit numbers, a scale
/// s and a minimum m for each group (below); 128 bytes of nibbles, in each 32 of which the low ones are the q
/// of an even group and the high ones of the odd group after it. Value: (d s) q - (e m).
///
/// Of the 12 bytes b: for group j below 4, s is the low 6 bits of b[j] and m those of b[j + 4]; for group j
/// from 4 on, s is the low nibble of b[j + 4] with the high 2 bits of b[j - 4] above it, and m the high
/// nibble of b[j + 4] with the high 2 bits of b[j].
void expand_q4_k(const std::byte* block, float* values);

/// 176 bytes, 256 values in 8 groups of 32: d, e and 12 bytes as of Q4_K; 32 bytes, of which bit j of byte i
/// is the fifth bit of q i of group j; 128 bytes of nibbles as of Q4_K. Value: (d s) q - (e m).
void expand_q5_k(const std::byte* block, float* values);

/// 210 bytes, 256 values in 16 groups of 16: 128 bytes of nibbles, in each 64 of which the low ones are the
/// low bits of q 0-63 of a half and the high ones of q 64-127; 64 bytes of high bits, in each 32 of which
/// bits 2 k and 2 k + 1 of byte i are above q 32 k + i of a half; 16 signed bytes s, a scale for each group;
/// scale d. Value: (d s) (q - 32).
void expand_q6_k(const std::byte* block, float* values);

}  // namespace caravan
