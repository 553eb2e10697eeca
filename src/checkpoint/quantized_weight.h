// A quantised matrix of a checkpoint, whatever the format that stores it: its scheme, and its rows as
// numbers.
//
// This is where formats (compressed-tensors, GPTQ, AWQ, GGUF blocks) meet what packs weights. A weight stands
// for scale * (q - zero) or scale * u - minimum, as tensor/quantization.h says. Thread safety: read() may be
// called from several threads at once.
#pragma once

#include <functional>
#include <string>

#include "tensor/quantization.h"

namespace caravan {

/// Where the numbers of `count` rows go; G is groups_of() the weight, and C chunks_of() it.
struct QuantizedRows {
  int8_t* values = nullptr;             ///< [count, in]
  float* scales = nullptr;              ///< [count, C]
  int8_t* zeros = nullptr;              ///< [count, G]; null where the weight has no zero points
  float* minimums = nullptr;            ///< [count, C]; null where it has no minimums
  int8_t* multiples = nullptr;          ///< [count, G]: of scales; null where its groups are not of blocks
  int8_t* minimum_multiples = nullptr;  ///< [count, G]; null where it has no minimums or no blocks
};

struct QuantizedWeight {
  std::string name;  ///< Hugging Face's name for the matrix: "model.layers.0.mlp.up_proj.weight"
  WeightQuant quant;
  RowQuant rows;              ///< how the checkpoint wants its inputs
  DType scale = DType::kF32;  ///< the dtype that holds every scale (and minimum) exactly: fp32, fp16 or bf16
  int64_t out = 0;
  int64_t in = 0;
  /// Writes the numbers of rows `first` to `first + count` - 1. Throws Error, naming the tensor, where a
  /// scale is infinite or NaN, or negative in a format that has none such (GGUF's blocks have).
  std::function<void(int64_t first, int64_t count, const QuantizedRows& rows)> read;
  /// No output has more values that are not 0 than so many; 0: nobody has counted them.
  int64_t row_kept = 0;
};

}  // namespace caravan
