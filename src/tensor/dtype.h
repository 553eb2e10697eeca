// The element types that tensors are stored in, and their exact scalar conversions.
// Thread safety: pure functions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace caravan {

enum class DType : uint8_t { kF32, kF16, kBF16, kI32, kI64, kI8, kU8 };
constexpr size_t kDTypeCount = 7;

/// Bytes of one element.
constexpr size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kI64:
      return 8;
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kI8:
    case DType::kU8:
      return 1;
  }
  return 0;
}

/// The field's short name: "fp32", "fp16", "bf16", "int32", "int64", "int8", "uint8".
std::string_view name_of(DType dtype);

/// The dtype of a short name as name_of gives it, or of the names that PyTorch uses ("float16", "half",
/// "bfloat16" …).
std::optional<DType> dtype_from_name(std::string_view name);

/// True for fp32, fp16 and bf16.
constexpr bool is_floating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

/// IEEE 754 binary16 bits, in a type of their own so that they are not taken for integers.
struct Half {
  uint16_t bits = 0;
};

/// bfloat16 bits: the upper half of a binary32.
struct BFloat16 {
  uint16_t bits = 0;
};

inline float to_float(float value) { return value; }

inline float to_float(BFloat16 value) { return std::bit_cast<float>(uint32_t{value.bits} << 16U); }

namespace detail {
/// `yes` where `condition` holds, else `no`, without a branch: so compilers turn loops over the conversions
/// below into vector code, which they do not where a branch decides on floating-point work.
inline uint32_t choose(bool condition, uint32_t yes, uint32_t no) {
  const uint32_t mask = 0U - static_cast<uint32_t>(condition);
  return (yes & mask) | (no & ~mask);
}
}  // namespace detail

inline float to_float(Half value) {
  const uint32_t sign = (value.bits & 0x8000U) << 16U;
  const uint32_t rest = value.bits & 0x7FFFU;
  const uint32_t normal = (rest << 13U) + (112U << 23U);
  const uint32_t infinite_or_nan = 0x7F800000U | (rest << 13U);
  // The bits of a subnormal count units of 2^-24.
  const auto subnormal = std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(rest)) * 0x1p-24F);
  const uint32_t finite = detail::choose(rest >= 0x0400U, normal, subnormal);
  return std::bit_cast<float>(sign | detail::choose(rest >= 0x7C00U, infinite_or_nan, finite));
}

/// Rounds to nearest, ties to even; NaN stays NaN.
inline BFloat16 to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return {static_cast<uint16_t>((bits >> 16U) | 0x40U)};
  return {static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U)};
}

/// Rounds to nearest, ties to even; what is too large becomes infinity; NaN stays NaN.
inline Half to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16U) & 0x8000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  // Below 2^-14: adding 0.5 makes the float unit round at 2^-24, the step of half's subnormals.
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - std::bit_cast<uint32_t>(0.5F);
  const uint32_t normal = (magnitude + 0xFFFU + ((magnitude >> 13U) & 1U) - (112U << 23U)) >> 13U;
  const uint32_t finite = detail::choose(magnitude < 0x38800000U, subnormal, normal);
  // 65520 and above round to infinity.
  const uint32_t number = detail::choose(magnitude >= 0x477FF000U, 0x7C00U, finite);
  return {static_cast<uint16_t>(sign | detail::choose(magnitude > 0x7F800000U, 0x7E00U, number))};
}

template <typename T>
T from_float(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else if constexpr (std::is_same_v<T, Half>) {
    return to_half(value);
  } else {
    static_assert(std::is_same_v<T, BFloat16>);
    return to_bfloat16(value);
  }
}

/// Unit roundoff: the largest relative error of rounding to `dtype`; 0 for integers.
constexpr double unit_roundoff(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0x1p-24;
    case DType::kF16:
      return 0x1p-11;
    case DType::kBF16:
      return 0x1p-8;
    default:
      return 0.0;
  }
}

/// Converts `count` elements between floating dtypes, through fp32. `from` and `to` must not overlap.
void convert_elements(const void* from, DType from_dtype, void* to, DType to_dtype, size_t count);

}  // namespace caravan
