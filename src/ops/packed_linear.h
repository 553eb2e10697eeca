// Packed linear: a matmul with a weight in panels (tensor/panels.h), quantised or not, and what follows it
// done while the sums are at hand.
#pragma once

#include "device/lane.h"
#include "tensor/panels.h"
#include "tensor/quantization.h"
#include "tensor/view.h"

namespace caravan {

/// What is done with s[t, o] = sum over i of x[t, i] * weight[o, i] + bias[o].
enum class Epilogue : uint8_t {
  kNone,      ///< y = s
  kResidual,  ///< y = residual + s; y may be residual itself
  kSiluMul  ///< y[t, 32 p + c] = silu(s[t, 64 p + c]) * s[t, 64 p + 32 + c], c < 32: gate and up interleaved
};

/// Which lane computes which panels.
enum class PanelSplit : uint8_t {
  kKernelsChoice,
  kShares,  ///< neighbouring panels, as many for each
  kQueue,   ///< whichever lane is free takes the next, or a part of its tokens
};

/// How the work is cut: a matter of speed only. 0 leaves the choice to the kernel.
struct MatmulTiles {
  int64_t inputs = 0;  ///< of one block, whose part of a panel stays in a cache
  int64_t tokens = 0;  ///< of one block
  PanelSplit split = PanelSplit::kKernelsChoice;
  bool operator==(const MatmulTiles&) const = default;
};

/// Numerics: as LinearArgs; each sum runs over the inputs from first to last, one or a few at a time, in one
/// fp32 accumulator for one output. The value of a row depends on its input row and the weights only.
///
/// A quantised weight whose format.rows are not quantised (W8A16, W4A16) gives, where format.order is fp32 or
/// fp16, the very bits that the panels of that dtype would which hold scale * (q - zero), or scale * u -
/// minimum in one fused step, computed in fp32 and rounded once to it. In the order of bf16, which holds
/// every q exactly, s[t, o] is the sum over groups of inputs of scale[o] * (sum over i of x[t, i] * q[o, i] -
/// zero[o] * (sum over i of x[t, i])), or with minimums of scale[o] * (sum over i of x[t, i] * q[o, i]) +
/// offset[o] * (sum over i of x[t, i]) with offset = scale * (u - q) - minimum in one fused step, all in
/// fp32; a kernel may cut groups into smaller ones. Where rows are quantised too (W8A8), sums are exact in
/// int32: s[t, o] = (sum over i of (x[t, i] - zero of row t) * q[o, i]) * (scale of row t * scale[o]), each
/// product and the sum as fp32 rounded once, then plus bias[o]. Of a lifted weight (W4A8) q is the lifted
/// value. A sparse weight (format.row_kept) gives the bits of the same weight with every value stored.
struct PackedLinearArgs {
  /// [tokens, in]: bf16 where weight is bf16, or is quantised in that order; rows as QuantizeRowsArgs makes
  /// them where the weight is quantised with its rows, then uint8 [tokens, quantized_row_bytes(in)]; else
  /// fp32.
  ConstTensorView x;
  /// fp32, fp16 or bf16, of panel_shape(out, in); or, of quantized_shape(out, in), uint8 (int8 where rows are
  /// quantised too).
  ConstTensorView weight;
  ConstTensorView bias;      ///< fp32 [out], or data == nullptr for none
  ConstTensorView residual;  ///< fp32 [tokens, out] for kResidual
  TensorView y;              ///< fp32 [tokens, out]; fp32 or bf16 [tokens, width <= out / 2] for kSiluMul
  Epilogue epilogue = Epilogue::kNone;
  MatmulTiles tiles;
  QuantizedFormat format = {};  ///< of a quantised weight
  int64_t in = 0;               ///< inputs of a quantised weight
};

/// Whether `weight` is quantised.
inline bool is_quantized(const PackedLinearArgs& args) {
  return args.weight.dtype == DType::kU8 || args.weight.dtype == DType::kI8;
}

void check(const PackedLinearArgs& args);
/// The weight's dtype.
inline DType key_dtype(const PackedLinearArgs& args) { return args.weight.dtype; }

}  // namespace caravan
