// The element types of GGUF tensors: single numbers, and blocks of numbers that share their scales.
// Reference: GGML_QUANT_SIZES of gguf-py. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/dtype.h"

namespace caravan {

/// The numbers by which GGUF files name them. The gaps are types that were taken out of the format again.
enum class GgmlType : uint8_t {
  kF32 = 0,
  kF16 = 1,
  kQ40 = 2,
  kQ41 = 3,
  kQ50 = 6,
  kQ51 = 7,
  kQ80 = 8,
  kQ81 = 9,
  kQ2K = 10,
  kQ3K = 11,
  kQ4K = 12,
  kQ5K = 13,
  kQ6K = 14,
  kQ8K = 15,
  kIQ2XXS = 16,
  kIQ2XS = 17,
  kIQ3XXS = 18,
  kIQ1S = 19,
  kIQ4NL = 20,
  kIQ3S = 21,
  kIQ2S = 22,
  kIQ4XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1M = 29,
  kBF16 = 30,
  kTQ10 = 34,
  kTQ20 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
  kQ10 = 41,
  kQ20 = 42,
};

/// Rows are whole blocks; a single number is a block of one.
struct GgmlTypeInfo {
  GgmlType type = GgmlType::kF32;
  std::string_view name;  ///< as llama.cpp and gguf-py print it: "Q4_K"
  int64_t block_elements = 1;
  int64_t block_bytes = 4;
};

/// What is known of the type with this number, or nullptr.
const GgmlTypeInfo* find_ggml_type(uint32_t number);
const GgmlTypeInfo& info_of(GgmlType type);

/// The dtype whose elements a type of single numbers holds; nothing for blocks and for what Caravan has no
/// dtype for.
std::optional<DType> dtype_of(GgmlType type);

}  // namespace caravan
