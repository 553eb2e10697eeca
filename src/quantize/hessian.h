// What GPTQ knows of a matrix's inputs: the matrix H of their products, as the factor that it works with.
// Thread safety: pure functions, on every core.
#pragma once

#include "quantize/calibration_walk.h"

namespace caravan {

/// H = X^T X, fp32 [in, in], of inputs x, fp32 [tokens, in].
Tensor products_of(const ConstTensorView& x, Machine& machine);

/// The upper triangular U, fp32 [in, in], with U^T U the inverse of H + d I, where d is `damping` times the
/// mean of H's diagonal (an input that is always 0 counts as the mean): what torch.linalg.cholesky(inverse,
/// upper=True) gives the original implementation. Where H is not positive definite even so, in fp32, d is
/// multiplied by 10 until it is. H's memory is used up.
Tensor inverse_factor(Tensor products, double damping);

}  // namespace caravan
