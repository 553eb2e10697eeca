#include "tensor/dtype.h"

#include <array>
#include <utility>

#include "base/error.h"

namespace caravan {

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "fp32";
    case DType::kF16:
      return "fp16";
    case DType::kBF16:
      return "bf16";
    case DType::kI32:
      return "int32";
    case DType::kI64:
      return "int64";
    case DType::kI8:
      return "int8";
    case DType::kU8:
      return "uint8";
  }
  return "";
}

std::optional<DType> dtype_from_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, DType>, 13> kNames = {{
      {"fp32", DType::kF32},
      {"float32", DType::kF32},
      {"float", DType::kF32},
      {"fp16", DType::kF16},
      {"float16", DType::kF16},
      {"half", DType::kF16},
      {"bf16", DType::kBF16},
      {"bfloat16", DType::kBF16},
      {"int32", DType::kI32},
      {"int64", DType::kI64},
      {"int8", DType::kI8},
      {"uint8", DType::kU8},
      {"long", DType::kI64},
  }};
  for (const auto& [known, dtype] : kNames) {
    if (name == known) return dtype;
  }
  return std::nullopt;
}

namespace {

template <typename From, typename To>
void convert_typed(const void* from, void* to, size_t count) {
  const auto* source = static_cast<const From*>(from);
  auto* target = static_cast<To*>(to);
  for (size_t i = 0; i < count; ++i) target[i] = from_float<To>(to_float(source[i]));
}

template <typename From>
void convert_from(const void* from, void* to, DType to_dtype, size_t count) {
  switch (to_dtype) {
    case DType::kF32:
      return convert_typed<From, float>(from, to, count);
    case DType::kF16:
      return convert_typed<From, Half>(from, to, count);
    case DType::kBF16:
      return convert_typed<From, BFloat16>(from, to, count);
    default:
      CARAVAN_CHECK(is_floating(to_dtype));
  }
}

}  // namespace

void convert_elements(const void* from, DType from_dtype, void* to, DType to_dtype, size_t count) {
  switch (from_dtype) {
    case DType::kF32:
      return convert_from<float>(from, to, to_dtype, count);
    case DType::kF16:
      return convert_from<Half>(from, to, to_dtype, count);
    case DType::kBF16:
      return convert_from<BFloat16>(from, to, to_dtype, count);
    default:
      CARAVAN_CHECK(is_floating(from_dtype));
  }
}

}  // namespace caravan
