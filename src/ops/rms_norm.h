// RMSNorm (Zhang and Sennrich, 2019, arXiv:1910.07467).
#pragma once

#include "device/lane.h"
#include "tensor/quantization.h"
#include "tensor/view.h"

namespace caravan {

/// y[t, :] = x[t, :] / sqrt(mean over i of x[t, i]^2 + epsilon) * weight, in fp32, rounded once to y's dtype,
/// or quantised as `rows` says (ops/quantize_rows.h), which gives the bits that quantising an fp32 y would.
struct RmsNormArgs {
  ConstTensorView x;       ///< fp32 [tokens, hidden]
  ConstTensorView weight;  ///< fp32 [hidden]
  float epsilon = 0.0F;
  TensorView y;        ///< fp32 or bf16 [tokens, hidden], or uint8 [tokens, quantized_row_bytes(hidden)]
  RowQuant rows = {};  ///< of a uint8 y
};

void check(const RmsNormArgs& args);
/// y's dtype.
inline DType key_dtype(const RmsNormArgs& args) { return args.y.dtype; }

}  // namespace caravan
