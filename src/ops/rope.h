// Rotary position embedding (Su et al., 2021, arXiv:2104.09864), in the half-split order of Hugging Face
// checkpoints: element i is rotated with element i + head_dim / 2.
#pragma once

#include "device/lane.h"
#include "tensor/view.h"

namespace caravan {

/// angles[t, i] = scale * cos(a) and angles[t, half + i] = scale * sin(a), with a = positions[t] *
/// frequencies[sequences[t], i] rounded to fp32 (as the reference implementation has it) and half = head_dim
/// / 2. The row of a padding token (sequence -1) is zero.
struct RopeAnglesArgs {
  ConstTensorView positions;    ///< int32 [tokens]
  ConstTensorView sequences;    ///< int32 [tokens]: which row of frequencies is this token's
  ConstTensorView frequencies;  ///< fp32 [sequences, half]: radians per position
  float scale = 1.0F;           ///< yarn's attention factor; 1 elsewhere
  TensorView angles;            ///< fp32 [tokens, 2 * half]
};

void check(const RopeAnglesArgs& args);
/// Always fp32.
inline DType key_dtype(const RopeAnglesArgs& args) { return args.angles.dtype; }

/// For each head h and i < half, with c = angles[t, i] and s = angles[t, half + i]:
/// y[t, h, i] = x[t, h, i] * c - x[t, h, half + i] * s; y[t, h, half + i] = x[t, h, half + i] * c + x[t, h,
/// i] * s.
struct RopeArgs {
  ConstTensorView x;       ///< fp32 [tokens, heads * head_dim]
  ConstTensorView angles;  ///< fp32 [tokens, head_dim], from RopeAnglesArgs
  TensorView y;            ///< fp32 [tokens, heads * head_dim]; may be x itself
};

void check(const RopeArgs& args);
/// Always fp32.
inline DType key_dtype(const RopeArgs& args) { return args.y.dtype; }

}  // namespace caravan
