// AVX2 with FMA and F16C: vectors of 8 floats, tails through a buffer on the stack.
#include <immintrin.h>

#include "kernels/cpu/common/level_table.h"

namespace caravan::cpu {
namespace {

/// Vectors of 8 int32, with what a Dot of bytes needs.
struct Ints {
  using F = __m256i;
  static constexpr int kWidth = 8;
  static constexpr int kTileVectors = 2;

  static F zero() { return _mm256_setzero_si256(); }
  static F set(int value) { return _mm256_set1_epi32(value); }
  static F add(F a, F b) { return _mm256_add_epi32(a, b); }
  static F sub(F a, F b) { return _mm256_sub_epi32(a, b); }
  static F mul(F a, F b) { return _mm256_mullo_epi32(a, b); }
  static F load(const int* from) { return load_bytes(from); }
  static void store(int* to, F value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value); }
  static __m256 to_floats(F a) { return _mm256_cvtepi32_ps(a); }

  static F load_bytes(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
  /// The 4 bytes at `from` in every lane.
  static F spread_bytes(const void* from) {
    int bytes = 0;
    __builtin_memcpy(&bytes, from, sizeof bytes);
    return _mm256_set1_epi32(bytes);
  }
  /// Bytes 0 and 2, and bytes 1 and 3, of each lane as its two 16-bit numbers.
  static F even_signed(F a) { return _mm256_srai_epi16(_mm256_slli_epi16(a, 8), 8); }
  static F odd_signed(F a) { return _mm256_srai_epi16(a, 8); }
  static F even_unsigned(F a) { return _mm256_and_si256(a, _mm256_set1_epi16(0xFF)); }
  static F odd_unsigned(F a) { return _mm256_srli_epi16(a, 8); }
  /// The sum of the two products of 16-bit numbers in each lane.
  static F multiply_add(F a, F b) { return _mm256_madd_epi16(a, b); }

  // What lifted.h needs.
  static constexpr Index kBytes = 32;
  static void store_bytes(void* to, F value) { _mm256_storeu_si256(static_cast<__m256i*>(to), value); }
  /// Of nibble kNibble of each 16 bits, which stands for its value less 8, and a factor.
  template <int kNibble>
  static F lift(F words, F factors) {
    const F top = _mm256_and_si256(_mm256_slli_epi16(words, 12 - 4 * kNibble), _mm256_set1_epi16(-0x1000));
    return _mm256_mulhrs_epi16(_mm256_xor_si256(top, _mm256_set1_epi16(-0x8000)), factors);
  }
  static F pack(F low, F high) { return _mm256_packs_epi16(low, high); }
  /// For vector `part` of the bytes of 16 outputs, 4 of each: of each 128 bits, which have 4 outputs, the
  /// bytes `first` and the next of those at `from` [16], each as four 16-bit numbers.
  static F spread_factors(const void* from, Index part, int first) {
    const __m256i bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(from)));
    const __m256i order =
        _mm256_setr_epi8(0, -128, 0, -128, 0, -128, 0, -128, 1, -128, 1, -128, 1, -128, 1, -128, 4, -128, 4,
                         -128, 4, -128, 4, -128, 5, -128, 5, -128, 5, -128, 5, -128);
    // Adding leaves the sign of what makes a byte zero.
    const auto begin = static_cast<char>(8 * part + first);
    return _mm256_shuffle_epi8(bytes, _mm256_add_epi8(order, _mm256_set1_epi8(begin)));
  }
};

struct Vector {
  using F = __m256;
  using Ints = caravan::cpu::Ints;
  static constexpr int kWidth = 8;
  /// 2 x 4 accumulators, 4 weights and 1 input fill 13 of the 16 registers.
  static constexpr int kTileTokens = 2;
  static constexpr int kTileVectors = 2;

  static F zero() { return _mm256_setzero_ps(); }
  static F set(float value) { return _mm256_set1_ps(value); }
  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F round(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  /// a * 2^n, for n that leaves the result a normal number.
  static F scale_by_power(F a, F n) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent));
  }
  static F zero_where_below(F x, float limit, F value) {
    return _mm256_and_ps(_mm256_cmp_ps(x, set(limit), _CMP_NLT_UQ), value);
  }
  static float square_root(float value) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(value))); }

  static float sum(F a) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  /// The largest of all lanes, none of which is NaN.
  static float largest(F a) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  /// Lane j of vector i becomes lane i of vector j: first within squares of 4 x 4 lanes, then the squares.
  static void transpose(F (&rows)[kWidth]) {
    for (int i = 0; i < kWidth; i += 4) {
      const F ab = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
      const F cd = _mm256_unpacklo_ps(rows[i + 2], rows[i + 3]);
      const F ab_high = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
      const F cd_high = _mm256_unpackhi_ps(rows[i + 2], rows[i + 3]);
      rows[i] = _mm256_shuffle_ps(ab, cd, 0x44);
      rows[i + 1] = _mm256_shuffle_ps(ab, cd, 0xEE);
      rows[i + 2] = _mm256_shuffle_ps(ab_high, cd_high, 0x44);
      rows[i + 3] = _mm256_shuffle_ps(ab_high, cd_high, 0xEE);
    }
    for (int i = 0; i < 4; ++i) {
      const F low = rows[i];
      const F high = rows[i + 4];
      rows[i] = _mm256_permute2f128_ps(low, high, 0x20);
      rows[i + 4] = _mm256_permute2f128_ps(low, high, 0x31);
    }
  }

  /// 8 int8.
  static F load_byte(const void* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(from))));
  }
  /// Of 16 words, the 4 bits from 4 * quarter on.
  static __m256i quarter_of(__m256i words, int quarter) {
    return _mm256_and_si256(_mm256_srli_epi16(words, 4 * quarter), _mm256_set1_epi16(15));
  }
  /// 64 values of 4 bits, those of one input (tensor/quantization.h).
  static void load_nibbles(const void* from, F (&values)[8]) {
    const __m256i words = load_bits(from);
    for (int i = 0; i < 4; ++i) {
      const __m256i numbers = _mm256_sub_epi16(quarter_of(words, i), _mm256_set1_epi16(8));
      const __m128i low = _mm256_castsi256_si128(numbers);
      const __m128i high = _mm256_extracti128_si256(numbers, 1);
      values[2 * i] = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(low));
      values[2 * i + 1] = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(high));
    }
  }
  /// 128 values of 4 bits, those of two inputs, as bf16.
  static void nibbles_to_bf16(const void* from, BF16* to) {
    // The lower and the upper bytes of -8 .. 7.
    const __m256i lower = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -32, -64, -96, -128, 64, 0, -128, 0, -128, 0, 64, -128, -96, -64, -32));
    const __m256i upper = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(-63, -64, -64, -64, -64, -64, -64, -65, 0, 63, 64, 64, 64, 64, 64, 64));
    const __m256i upper_bytes = _mm256_set1_epi16(-256);
    for (int half = 0; half < 2; ++half) {
      const __m256i words = load_bits(static_cast<const char*>(from) + half * 32);
      for (int i = 0; i < 4; ++i) {
        const __m256i index = quarter_of(words, i);
        const __m256i both = _mm256_or_si256(index, _mm256_slli_epi16(index, 8));
        const __m256i numbers = _mm256_blendv_epi8(_mm256_shuffle_epi8(lower, both),
                                                   _mm256_shuffle_epi8(upper, both), upper_bytes);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32 * i + 16 * half), numbers);
      }
    }
  }

  static F widened(__m128i bits, const F16* /*type*/) { return _mm256_cvtph_ps(bits); }
  static F widened(__m128i bits, const BF16* /*type*/) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  /// 16 bf16, two of each 32-bit lane.
  using Bits = __m256i;
  static Bits load_bits(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
  /// The 4 bytes at `from` in every lane.
  static Bits spread_bits(const void* from) {
    int bits = 0;
    __builtin_memcpy(&bits, from, sizeof bits);
    return _mm256_set1_epi32(bits);
  }
  static F low_bf16(Bits bits) { return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16)); }
  static F high_bf16(Bits bits) {
    return _mm256_castsi256_ps(_mm256_and_si256(bits, _mm256_set1_epi32(static_cast<int>(0xFFFF0000U))));
  }
  static F as_floats(Bits bits) { return _mm256_castsi256_ps(bits); }
  /// The first and the second element of each 32-bit lane, widened.
  static F low(F pairs, const BF16* /*type*/) { return low_bf16(_mm256_castps_si256(pairs)); }
  static F high(F pairs, const BF16* /*type*/) { return high_bf16(_mm256_castps_si256(pairs)); }
  static F low(F pairs, const F16* /*type*/) {
    const __m256i bits = _mm256_and_si256(_mm256_castps_si256(pairs), _mm256_set1_epi32(0xFFFF));
    return _mm256_cvtph_ps(_mm_packus_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1)));
  }
  static F high(F pairs, const F16* type) {
    return low(_mm256_castsi256_ps(_mm256_srli_epi32(_mm256_castps_si256(pairs), 16)), type);
  }
  /// The int8 number kByte of each 32-bit lane, times 2^24: where only its top byte is set, no sign need be
  /// spread.
  template <int kByte>
  static F lifted(F words) {
    const __m256i bits = _mm256_castps_si256(words);
    if constexpr (kByte == 0) {
      return _mm256_cvtepi32_ps(_mm256_slli_epi32(bits, 24));
    } else if constexpr (kByte == 3) {
      return _mm256_cvtepi32_ps(_mm256_and_si256(bits, _mm256_set1_epi32(static_cast<int>(0xFF000000U))));
    } else {
      // 0x80 makes a byte zero.
      const __m128i lane = _mm_set_epi8(12 + kByte, -128, -128, -128, 8 + kByte, -128, -128, -128, 4 + kByte,
                                        -128, -128, -128, kByte, -128, -128, -128);
      return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bits, _mm256_broadcastsi128_si256(lane)));
    }
  }
  static F load(const float* from) { return _mm256_loadu_ps(from); }
  static F load(const I8* from) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  }
  template <typename T>
  static F load(const T* from) {
    return widened(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), from);
  }
  template <typename T>
  static F load_part(const T* from, Index count) {
    T all[kWidth] = {};
    for (Index i = 0; i < count; ++i) all[i] = from[i];
    return load(static_cast<const T*>(all));
  }

  static __m128i narrowed(F value, const F16* /*type*/) {
    return _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  /// To nearest, ties to even; NaN stays NaN.
  static __m128i narrowed(F value, const BF16* /*type*/) {
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
    const __m256 nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i chosen =
        _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(rounded), _mm256_castsi256_ps(quiet), nan));
    const __m256i upper = _mm256_srli_epi32(chosen, 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
  }
  /// Rounds to nearest, ties to even. Lanes are in 0 .. 255.
  static void store_bytes(unsigned char* to, F value) {
    const __m256i wide = _mm256_cvtps_epi32(value);
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
  }
  static void store(float* to, F value) { _mm256_storeu_ps(to, value); }
  /// Of values within int8's range: to nearest, ties to even.
  static void store(I8* to, F value) {
    const __m256i numbers = _mm256_cvtps_epi32(value);
    const __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128(numbers), _mm256_extracti128_si256(numbers, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packs_epi16(words, words));
  }
  template <typename T>
  static void store(T* to, F value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrowed(value, to));
  }
  template <typename T>
  static void store_part(T* to, F value, Index count) {
    T all[kWidth];
    store(all, value);
    for (Index i = 0; i < count; ++i) to[i] = all[i];
  }
};

}  // namespace

constinit const LevelKernels kAvx2Kernels = level_table<Vector, PairDot<Vector>, WidenedByteDot<Vector>>();

}  // namespace caravan::cpu
