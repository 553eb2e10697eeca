// Linear: a matmul with a weight matrix, as torch.nn.Linear defines it.
#pragma once

#include "device/lane.h"
#include "tensor/view.h"

namespace caravan {

/// y[t, o] = sum over i of x[t, i] * weight[o, i], plus bias[o] where there is one.
///
/// Numerics: products are accumulated in fp32 (in double by the reference). fp16 weights are widened exactly
/// and multiplied at fp32 precision. bf16 weights meet an input that is bf16 too: what produces it rounds
/// once. The value of an output row depends on its input row and the weights only: not on how many rows there
/// are, nor on the number of lanes, so that a batch gives exactly what each of its sequences gives alone.
struct LinearArgs {
  ConstTensorView x;       ///< [tokens, in]; bf16 where weight is bf16, else fp32
  ConstTensorView weight;  ///< fp32, fp16 or bf16 [out, in]
  ConstTensorView bias;    ///< fp32 [out], or data == nullptr for none
  TensorView y;            ///< fp32 [tokens, out]
};

void check(const LinearArgs& args);
/// The weight's dtype.
inline DType key_dtype(const LinearArgs& args) { return args.weight.dtype; }

}  // namespace caravan
