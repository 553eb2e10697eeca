#include "checkpoint/gguf/ggml_type.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace caravan {

namespace {

constexpr std::array<GgmlTypeInfo, 35> kTypes = {{
    {GgmlType::kF32, "F32", 1, 4},
    {GgmlType::kF16, "F16", 1, 2},
    {GgmlType::kQ40, "Q4_0", 32, 18},
    {GgmlType::kQ41, "Q4_1", 32, 20},
    {GgmlType::kQ50, "Q5_0", 32, 22},
    {GgmlType::kQ51, "Q5_1", 32, 24},
    {GgmlType::kQ80, "Q8_0", 32, 34},
    {GgmlType::kQ81, "Q8_1", 32, 36},
    {GgmlType::kQ2K, "Q2_K", 256, 84},
    {GgmlType::kQ3K, "Q3_K", 256, 110},
    {GgmlType::kQ4K, "Q4_K", 256, 144},
    {GgmlType::kQ5K, "Q5_K", 256, 176},
    {GgmlType::kQ6K, "Q6_K", 256, 210},
    {GgmlType::kQ8K, "Q8_K", 256, 292},
    {GgmlType::kIQ2XXS, "IQ2_XXS", 256, 66},
    {GgmlType::kIQ2XS, "IQ2_XS", 256, 74},
    {GgmlType::kIQ3XXS, "IQ3_XXS", 256, 98},
    {GgmlType::kIQ1S, "IQ1_S", 256, 50},
    {GgmlType::kIQ4NL, "IQ4_NL", 32, 18},
    {GgmlType::kIQ3S, "IQ3_S", 256, 110},
    {GgmlType::kIQ2S, "IQ2_S", 256, 82},
    {GgmlType::kIQ4XS, "IQ4_XS", 256, 136},
    {GgmlType::kI8, "I8", 1, 1},
    {GgmlType::kI16, "I16", 1, 2},
    {GgmlType::kI32, "I32", 1, 4},
    {GgmlType::kI64, "I64", 1, 8},
    {GgmlType::kF64, "F64", 1, 8},
    {GgmlType::kIQ1M, "IQ1_M", 256, 56},
    {GgmlType::kBF16, "BF16", 1, 2},
    {GgmlType::kTQ10, "TQ1_0", 256, 54},
    {GgmlType::kTQ20, "TQ2_0", 256, 66},
    {GgmlType::kMXFP4, "MXFP4", 32, 17},
    {GgmlType::kNVFP4, "NVFP4", 64, 36},
    {GgmlType::kQ10, "Q1_0", 128, 18},
    {GgmlType::kQ20, "Q2_0", 64, 18},
}};

}  // namespace

const GgmlTypeInfo* find_ggml_type(uint32_t number) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [number](const GgmlTypeInfo& info) {
    return static_cast<uint32_t>(info.type) == number;
  });
  return found == kTypes.end() ? nullptr : &*found;
}

const GgmlTypeInfo& info_of(GgmlType type) {
  const GgmlTypeInfo* info = find_ggml_type(static_cast<uint32_t>(type));
  CARAVAN_CHECK(info != nullptr);
  return *info;
}

std::optional<DType> dtype_of(GgmlType type) {
  switch (type) {
    case GgmlType::kF32:
      return DType::kF32;
    case GgmlType::kF16:
      return DType::kF16;
    case GgmlType::kBF16:
      return DType::kBF16;
    case GgmlType::kI8:
      return DType::kI8;
    case GgmlType::kI32:
      return DType::kI32;
    case GgmlType::kI64:
      return DType::kI64;
    default:
      return std::nullopt;
  }
}

}  // namespace caravan
