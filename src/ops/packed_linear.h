// Packed linear: a matmul with a weight in panels (tensor/panels.h), and what follows it done while the sums
// are at hand.
#pragma once

#include "device/lane.h"
#include "tensor/panels.h"
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
struct PackedLinearArgs {
  ConstTensorView x;         ///< [tokens, in]; bf16 where weight is bf16, else fp32
  ConstTensorView weight;    ///< fp32, fp16 or bf16, of panel_shape(out, in)
  ConstTensorView bias;      ///< fp32 [out], or data == nullptr for none
  ConstTensorView residual;  ///< fp32 [tokens, out] for kResidual
  TensorView y;              ///< fp32 [tokens, out]; fp32 or bf16 [tokens, width <= out / 2] for kSiluMul
  Epilogue epilogue = Epilogue::kNone;
  MatmulTiles tiles;
};

void check(const PackedLinearArgs& args);
/// The weight's dtype.
inline DType key_dtype(const PackedLinearArgs& args) { return args.weight.dtype; }

}  // namespace caravan
