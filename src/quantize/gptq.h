// GPTQ: weights are rounded one input after the other, and what rounding changes is made up for by the
// weights of the inputs that are still to come (Frantar et al., 2022, arXiv:2210.17323). Thread safety: a
// pure function, on every core.
#pragma once

#include <cstdint>
#include <vector>

#include "quantize/quantized_matrix.h"

namespace caravan {

/// What the original implementation adds to the diagonal, as a share of its mean.
constexpr double kGptqDamping = 0.01;
/// Inputs after which the rest of a row is updated, as there. Groups divide it.
constexpr int64_t kGptqBlock = 128;

/// Quantises `weights`, fp32 [out, in], which are used up, with `factor`, U of inverse_factor(). Inputs keep
/// their order (no "act-order"). A group's scale is made when its first input is reached, of the weights as
/// they have become; that of a whole output before the first. Weights that `pruned`, [out, in] or empty,
/// marks become 0, and what that changes is made up for too, as SparseGPT does (Frantar and Alistarh, 2023,
/// arXiv:2301.00774).
QuantizedMatrix gptq(const TensorView& weights, const ConstTensorView& factor, const WeightQuant& quant,
                     DType scale, const std::vector<uint8_t>& pruned);

}  // namespace caravan
