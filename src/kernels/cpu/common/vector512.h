// AVX-512 F, BW, DQ and VL: vectors of 16 floats, tails by mask. For the levels that are compiled for them.
// Thread safety: pure functions.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/common/elements.h"
#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// Vectors of 16 int32, with what a Dot of bytes needs.
struct Ints512 {
  using F = __m512i;
  static constexpr int kWidth = 16;
  static constexpr int kTileVectors = 4;

  static F zero() { return _mm512_setzero_si512(); }
  static F set(int value) { return _mm512_set1_epi32(value); }
  static F add(F a, F b) { return _mm512_add_epi32(a, b); }
  static F sub(F a, F b) { return _mm512_sub_epi32(a, b); }
  static F mul(F a, F b) { return _mm512_mullo_epi32(a, b); }
  static F load(const int* from) { return _mm512_loadu_si512(from); }
  static void store(int* to, F value) { _mm512_storeu_si512(to, value); }
  static __m512 to_floats(F a) { return _mm512_cvtepi32_ps(a); }

  static F load_bytes(const void* from) { return _mm512_loadu_si512(from); }
  /// The 4 bytes at `from` in every lane.
  static F spread_bytes(const void* from) {
    int bytes = 0;
    __builtin_memcpy(&bytes, from, sizeof bytes);
    return _mm512_set1_epi32(bytes);
  }
  /// Bytes 0 and 2, and bytes 1 and 3, of each lane as its two 16-bit numbers.
  static F even_signed(F a) { return _mm512_srai_epi16(_mm512_slli_epi16(a, 8), 8); }
  static F odd_signed(F a) { return _mm512_srai_epi16(a, 8); }
  static F even_unsigned(F a) { return _mm512_and_si512(a, _mm512_set1_epi16(0xFF)); }
  static F odd_unsigned(F a) { return _mm512_srli_epi16(a, 8); }
  /// The sum of the two products of 16-bit numbers in each lane.
  static F multiply_add(F a, F b) { return _mm512_madd_epi16(a, b); }

  // What lifted.h needs.
  static constexpr Index kBytes = 64;
  static void store_bytes(void* to, F value) { _mm512_storeu_si512(to, value); }
  /// Of nibble kNibble of each 16 bits, which stands for its value less 8, and a factor.
  template <int kNibble>
  static F lift(F words, F factors) {
    // The truth table of a ^ (b & c).
    constexpr int kXorAnd = 0x78;
    const F moved = kNibble == 3 ? words : _mm512_slli_epi16(words, 12 - 4 * kNibble);
    const F top =
        _mm512_ternarylogic_epi32(_mm512_set1_epi16(-0x8000), moved, _mm512_set1_epi16(-0x1000), kXorAnd);
    return _mm512_mulhrs_epi16(top, factors);
  }
  static F pack(F low, F high) { return _mm512_packs_epi16(low, high); }
  /// For the bytes of 16 outputs, 4 of each: of each 128 bits, which have 4 outputs, the bytes `first` and
  /// the next of those at `from` [16], each as four 16-bit numbers.
  static F spread_factors(const void* from, Index /*part*/, int first) {
    const __m512i bytes = _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(from)));
    const __m512i order = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, -128, 0, -128, 0, -128, 0, -128, 1, -128, 1, -128, 1, -128, 1, -128));
    // Adding leaves the sign of what makes a byte zero.
    const __m512i lanes =
        _mm512_setr_epi32(0, 0, 0, 0, 0x04040404, 0x04040404, 0x04040404, 0x04040404, 0x08080808, 0x08080808,
                          0x08080808, 0x08080808, 0x0C0C0C0C, 0x0C0C0C0C, 0x0C0C0C0C, 0x0C0C0C0C);
    const __m512i begin = _mm512_add_epi8(lanes, _mm512_set1_epi8(static_cast<char>(first)));
    return _mm512_shuffle_epi8(bytes, _mm512_add_epi8(order, begin));
  }
};

struct Vector512 {
  using F = __m512;
  using Ints = Ints512;
  static constexpr int kWidth = 16;
  /// 6 x 4 accumulators, 4 weights and 1 input fill 29 of the 32 registers.
  static constexpr int kTileTokens = 6;
  static constexpr int kTileVectors = 4;

  static __mmask16 first(Index count) {
    return static_cast<__mmask16>((1U << static_cast<unsigned>(count)) - 1U);
  }

  static F zero() { return _mm512_setzero_ps(); }
  static F set(float value) { return _mm512_set1_ps(value); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F round(F a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static F scale_by_power(F a, F n) { return _mm512_scalef_ps(a, n); }
  static F zero_where_below(F x, float limit, F value) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, set(limit), _CMP_NLT_UQ), value);
  }
  static float square_root(float value) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(value))); }

  static float sum(F a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  /// The largest of all lanes, none of which is NaN.
  static float largest(F a) {
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  /// Lane j of vector i becomes lane i of vector j: first within squares of 4 x 4 lanes, then the squares.
  static void transpose(F (&rows)[kWidth]) {
    for (int i = 0; i < kWidth; i += 4) {
      const F ab = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
      const F cd = _mm512_unpacklo_ps(rows[i + 2], rows[i + 3]);
      const F ab_high = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
      const F cd_high = _mm512_unpackhi_ps(rows[i + 2], rows[i + 3]);
      rows[i] = _mm512_shuffle_ps(ab, cd, 0x44);
      rows[i + 1] = _mm512_shuffle_ps(ab, cd, 0xEE);
      rows[i + 2] = _mm512_shuffle_ps(ab_high, cd_high, 0x44);
      rows[i + 3] = _mm512_shuffle_ps(ab_high, cd_high, 0xEE);
    }
    for (int i = 0; i < 4; ++i) {
      const F even = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0x88);
      const F odd = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0xDD);
      const F even_high = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0x88);
      const F odd_high = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0xDD);
      rows[i] = _mm512_shuffle_f32x4(even, even_high, 0x88);
      rows[i + 4] = _mm512_shuffle_f32x4(odd, odd_high, 0x88);
      rows[i + 8] = _mm512_shuffle_f32x4(even, even_high, 0xDD);
      rows[i + 12] = _mm512_shuffle_f32x4(odd, odd_high, 0xDD);
    }
  }

  /// 16 int8.
  static F load_byte(const void* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(from))));
  }
  /// 64 values of 4 bits, those of one input (tensor/quantization.h).
  static void load_nibbles(const void* from, F (&values)[4]) {
    // A permutation looks at the lower 4 bits of an index only.
    const F numbers = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    const __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(from)));
    values[0] = _mm512_permutexvar_ps(words, numbers);
    values[1] = _mm512_permutexvar_ps(_mm512_srli_epi32(words, 4), numbers);
    values[2] = _mm512_permutexvar_ps(_mm512_srli_epi32(words, 8), numbers);
    values[3] = _mm512_permutexvar_ps(_mm512_srli_epi32(words, 12), numbers);
  }
  /// 128 values of 4 bits, those of two inputs, as bf16.
  static void nibbles_to_bf16(const void* from, BF16* to) {
    // -8 .. 7, twice, because a permutation looks at the lower 5 bits of an index.
    const __m512i numbers = _mm512_broadcast_i64x4(
        _mm256_setr_epi16(-0x3F00, -0x3F20, -0x3F40, -0x3F60, -0x3F80, -0x3FC0, -0x4000, -0x4080, 0x0000,
                          0x3F80, 0x4000, 0x4040, 0x4080, 0x40A0, 0x40C0, 0x40E0));
    const __m512i words = _mm512_loadu_si512(from);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(words, numbers));
    _mm512_storeu_si512(to + 32, _mm512_permutexvar_epi16(_mm512_srli_epi16(words, 4), numbers));
    _mm512_storeu_si512(to + 64, _mm512_permutexvar_epi16(_mm512_srli_epi16(words, 8), numbers));
    _mm512_storeu_si512(to + 96, _mm512_permutexvar_epi16(_mm512_srli_epi16(words, 12), numbers));
  }

  static F widened(__m256i bits, const F16* /*type*/) { return _mm512_cvtph_ps(bits); }
  static F widened(__m256i bits, const BF16* /*type*/) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  static F widened(__m128i bytes, const I8* /*type*/) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
  }
  /// 32 bf16, two of each 32-bit lane.
  using Bits = __m512i;
  static Bits load_bits(const void* from) { return _mm512_loadu_si512(from); }
  /// The 4 bytes at `from` in every lane.
  static Bits spread_bits(const void* from) {
    int bits = 0;
    __builtin_memcpy(&bits, from, sizeof bits);
    return _mm512_set1_epi32(bits);
  }
  static F low_bf16(Bits bits) { return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)); }
  static F high_bf16(Bits bits) {
    return _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
  }
  static F as_floats(Bits bits) { return _mm512_castsi512_ps(bits); }
  /// The first and the second element of each 32-bit lane, widened.
  static F low(F pairs, const BF16* /*type*/) { return low_bf16(_mm512_castps_si512(pairs)); }
  static F high(F pairs, const BF16* /*type*/) { return high_bf16(_mm512_castps_si512(pairs)); }
  static F low(F pairs, const F16* /*type*/) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_castps_si512(pairs)));
  }
  static F high(F pairs, const F16* /*type*/) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(pairs), 16)));
  }
  /// The int8 number kByte of each 32-bit lane, times 2^24: where only its top byte is set, no sign need be
  /// spread. Of the three ways to do so each takes the port that is free.
  template <int kByte>
  static F lifted(F words) {
    const __m512i bits = _mm512_castps_si512(words);
    if constexpr (kByte == 0) {
      return _mm512_cvtepi32_ps(_mm512_slli_epi32(bits, 24));
    } else if constexpr (kByte == 3) {
      return _mm512_cvtepi32_ps(_mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0xFF000000U))));
    } else {
      // 0x80 makes a byte zero.
      const __m128i lane = _mm_set_epi8(12 + kByte, -128, -128, -128, 8 + kByte, -128, -128, -128, 4 + kByte,
                                        -128, -128, -128, kByte, -128, -128, -128);
      return _mm512_cvtepi32_ps(_mm512_shuffle_epi8(bits, _mm512_broadcast_i32x4(lane)));
    }
  }
  static F load(const float* from) { return _mm512_loadu_ps(from); }
  static F load(const I8* from) {
    return widened(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), from);
  }
  static F load_part(const I8* from, Index count) {
    return widened(_mm_maskz_loadu_epi8(first(count), from), from);
  }
  static F load_part(const float* from, Index count) { return _mm512_maskz_loadu_ps(first(count), from); }
  template <typename T>
  static F load(const T* from) {
    return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), from);
  }
  template <typename T>
  static F load_part(const T* from, Index count) {
    return widened(_mm256_maskz_loadu_epi16(first(count), from), from);
  }

  static __m256i narrowed(F value, const F16* /*type*/) {
    return _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  /// To nearest, ties to even; NaN stays NaN.
  static __m256i narrowed(F value, const BF16* /*type*/) {
    const __m512i bits = _mm512_castps_si512(value);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
    const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16));
  }
  /// Rounds to nearest, ties to even. Lanes are in 0 .. 255.
  static void store_bytes(unsigned char* to, F value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(value)));
  }
  /// Of values within int8's range: to nearest, ties to even.
  static __m128i narrowed(F value, const I8* /*type*/) {
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(value));
  }
  static void store(I8* to, F value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrowed(value, to));
  }
  static void store_part(I8* to, F value, Index count) {
    _mm_mask_storeu_epi8(to, first(count), narrowed(value, to));
  }
  static void store(float* to, F value) { _mm512_storeu_ps(to, value); }
  static void store_part(float* to, F value, Index count) { _mm512_mask_storeu_ps(to, first(count), value); }
  template <typename T>
  static void store(T* to, F value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), narrowed(value, to));
  }
  template <typename T>
  static void store_part(T* to, F value, Index count) {
    _mm256_mask_storeu_epi16(to, first(count), narrowed(value, to));
  }
};

}  // namespace
}  // namespace caravan::cpu
