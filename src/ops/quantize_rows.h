// The quantisation of activations, row by row, as the matmuls of quantised weights take them.
#pragma once

#include "device/lane.h"
#include "tensor/quantization.h"
#include "tensor/view.h"

namespace caravan {

/// Row t of y is row t of x quantised (RowMeaning, tensor/quantization.h): with its scale s and zero point z,
/// value i is x[t, i] / s + z, all in fp32, clamped to 0 .. 255 and rounded to nearest, ties to even.
///
/// kStatic: s and z are given. kPerToken: with the smallest and the largest value of the row, low <= 0 <=
/// high, s = (high - low) / 255 and z = -low / s, rounded likewise. kSymmetric: s = max(high, -low) / 127.5
/// and z = 128. Where s would be below the smallest normal fp32 it is 1 (of a row of zeros, for example).
/// These are the formulas of compressed-tensors, whose int8 is ours less 128. The same bits at every level,
/// but for a row with infinities or NaN, which has no meaning.
struct QuantizeRowsArgs {
  ConstTensorView x;  ///< fp32 or bf16 [tokens, width]
  RowQuant rows;      ///< not kNone
  TensorView y;       ///< uint8 [tokens, quantized_row_bytes(width)]; the bytes that have no meaning become 0
};

void check(const QuantizeRowsArgs& args);
/// x's dtype.
inline DType key_dtype(const QuantizeRowsArgs& args) { return args.x.dtype; }

}  // namespace caravan
