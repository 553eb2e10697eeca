// A matrix in quantised numbers, in memory, between the algorithm that made it and the file that it goes to.
// Thread safety: a value type.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/quantized_weight.h"
#include "tensor/buffer.h"

namespace caravan {

struct QuantizedMatrix {
  WeightQuant quant;
  int64_t out = 0;
  int64_t in = 0;
  std::vector<int8_t> values;  ///< [out, in]
  std::vector<float> scales;   ///< [out, G], with G groups_of() the matrix
  std::vector<int8_t> zeros;   ///< [out, G]; empty without zero points

  QuantizedMatrix(const WeightQuant& weight_quant, int64_t outputs, int64_t inputs);

  /// Where the numbers from output `row` on go.
  [[nodiscard]] QuantizedRows rows_from(int64_t row);
  /// What the numbers stand for, fp32 [out, in].
  [[nodiscard]] Tensor dequantized() const;
};

/// `matrix`, which must outlive it, as the writers of checkpoints take it.
QuantizedWeight as_weight(const QuantizedMatrix& matrix, const std::string& name, const RowQuant& rows,
                          DType scale);

/// Rounds fp32 `weights` [out, in] to the nearest numbers (checkpoint/round_to_nearest.h), on every core.
QuantizedMatrix rounded(const TensorView& weights, const WeightQuant& quant, DType scale);

}  // namespace caravan
