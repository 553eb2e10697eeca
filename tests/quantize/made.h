// Matrices for the tests of quantisation: correlated inputs as a model has them, and products in double.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "tensor/buffer.h"

namespace caravan::test {

/// Normal numbers, fp32 [rows, columns].
inline Tensor normal_matrix(int64_t rows, int64_t columns, uint32_t seed) {
  Tensor matrix(DType::kF32, {rows, columns});
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < rows * columns; ++i) matrix.as<float>()[i] = normal(random);
  return matrix;
}

/// a [m, k] times b [n, k] transposed, in double, [m, n].
inline std::vector<double> product(const ConstTensorView& a, const ConstTensorView& b) {
  const int64_t width = a.shape[1];
  std::vector<double> sums;
  for (int64_t row = 0; row < a.shape[0]; ++row) {
    for (int64_t column = 0; column < b.shape[0]; ++column) {
      double sum = 0.0;
      for (int64_t k = 0; k < width; ++k)
        sum += static_cast<double>(a.as<float>()[row * width + k]) * b.as<float>()[column * width + k];
      sums.push_back(sum);
    }
  }
  return sums;
}

/// Inputs [tokens, in] that follow from a few hidden ones, with a little noise.
inline Tensor correlated_inputs(int64_t tokens, int64_t in, uint32_t seed) {
  const int64_t hidden = in / 4;
  const Tensor causes = normal_matrix(tokens, hidden, seed);
  const Tensor mixing = normal_matrix(in, hidden, seed + 1);
  Tensor inputs = normal_matrix(tokens, in, seed + 2);
  const std::vector<double> mixed = product(causes.view(), mixing.view());
  for (int64_t i = 0; i < tokens * in; ++i) {
    float& value = inputs.as<float>()[i];
    value = static_cast<float>(mixed[static_cast<size_t>(i)]) + 0.1F * value;
  }
  return inputs;
}

/// The sum of the squared differences of x w^T and x q^T.
inline double output_error(const ConstTensorView& x, const ConstTensorView& w, const ConstTensorView& q) {
  const std::vector<double> right = product(x, w);
  const std::vector<double> found = product(x, q);
  double error = 0.0;
  for (size_t i = 0; i < right.size(); ++i) error += (right[i] - found[i]) * (right[i] - found[i]);
  return error;
}

inline Tensor copy_of(const Tensor& tensor) {
  Tensor copy(tensor.dtype(), tensor.shape());
  for (int64_t i = 0; i < tensor.shape().elements(); ++i) copy.as<float>()[i] = tensor.as<float>()[i];
  return copy;
}

}  // namespace caravan::test
