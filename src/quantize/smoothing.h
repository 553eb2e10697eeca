// SmoothQuant: inputs whose magnitudes are far above the others' are divided, and the weights that meet them
// multiplied, by the same number, so that both are easier to quantise (Xiao et al., 2022, arXiv:2211.10438).
// What divides is the norm before the matrix, or the matrix before it where what lies between is linear: up
// before down, v before o. Thread safety: value types and pure functions.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "quantize/plan.h"

namespace caravan {

/// The largest magnitude of each input of each group, [in] each, and of what its matrices multiply it with.
struct Magnitudes {
  std::vector<std::vector<float>> inputs;   ///< by QuantizePlan::groups
  std::vector<std::vector<float>> weights;  ///< likewise: of the columns of all matrices of the group
};

/// What the weights of a checkpoint are multiplied by.
struct Smoothing {
  std::map<std::string, std::vector<float>> columns;  ///< [in], by the name of a matrix
  std::map<std::string, std::vector<float>> rows;     ///< [out], of matrices, norms and biases

  /// Multiplies `tensor`, fp32, which is the weight `name`.
  void apply(const std::string& name, const TensorView& tensor) const;
};

/// The largest magnitude of each column of `matrix`, fp32 [rows, columns].
std::vector<float> column_magnitudes(const ConstTensorView& matrix);

/// s[j] = inputs[j]^alpha / weights[j]^(1 - alpha): what input j is divided by; 1 where either is 0.
std::vector<float> smoothing_factors(std::span<const float> inputs, std::span<const float> weights,
                                     float alpha);

/// The smoothing of every group that is quantised as a whole and has something before it that can divide and
/// is no matrix that stays as it is.
Smoothing smoothing_of(const QuantizePlan& plan, const Magnitudes& magnitudes, float alpha);

}  // namespace caravan
