// The small row-wise ops: SwiGLU's gate (Shazeer, 2020, arXiv:2002.05202), the residual addition, and the
// selection of rows.
#pragma once

#include "device/lane.h"
#include "tensor/view.h"

namespace caravan {

/// y = gate / (1 + exp(-gate)) * up, element by element, in fp32, rounded once to y's dtype.
struct SiluMulArgs {
  ConstTensorView gate;  ///< fp32 [tokens, width]
  ConstTensorView up;    ///< fp32 [tokens, width]
  TensorView y;          ///< fp32 or bf16 [tokens, width]
};

void check(const SiluMulArgs& args);
/// y's dtype.
inline DType key_dtype(const SiluMulArgs& args) { return args.y.dtype; }

/// y = a + b, element by element.
struct AddArgs {
  ConstTensorView a;  ///< fp32 [tokens, width]
  ConstTensorView b;  ///< fp32 [tokens, width]
  TensorView y;       ///< fp32 [tokens, width]
};

void check(const AddArgs& args);
/// Always fp32.
inline DType key_dtype(const AddArgs& args) { return args.y.dtype; }

/// y[r, :] = x[rows[r], :].
struct TakeRowsArgs {
  ConstTensorView x;     ///< fp32, bf16 or uint8 (quantised rows) [tokens, width]; or int32 [tokens]
  ConstTensorView rows;  ///< int32 [rows], each in 0 .. tokens - 1
  TensorView y;          ///< as x, [rows, width] or [rows]
};

void check(const TakeRowsArgs& args);
/// x's dtype.
inline DType key_dtype(const TakeRowsArgs& args) { return args.y.dtype; }

}  // namespace caravan
