// The residual addition and RMSNorm of the sum in one: what AddArgs (ops/elementwise.h) and RmsNormArgs
// (ops/rms_norm.h) do one after the other, bit for bit.
#pragma once

#include "device/lane.h"
#include "tensor/view.h"

namespace caravan {

/// sum = x + residual, rounded to fp32; y = rms_norm(sum), of what was rounded.
struct AddRmsNormArgs {
  ConstTensorView x;         ///< fp32 [tokens, hidden]
  ConstTensorView residual;  ///< fp32 [tokens, hidden]
  ConstTensorView weight;    ///< fp32 [hidden]
  float epsilon = 0.0F;
  TensorView sum;  ///< fp32 [tokens, hidden]; may be x or residual itself
  TensorView y;    ///< fp32 or bf16 [tokens, hidden]; overlaps none of the others
};

void check(const AddRmsNormArgs& args);
/// y's dtype.
inline DType key_dtype(const AddRmsNormArgs& args) { return args.y.dtype; }

}  // namespace caravan
