#include "quantize/gptq.h"

#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint/round_to_nearest.h"
#include "kernels/select.h"
#include "quantize/hessian.h"
#include "quantize/made.h"

namespace caravan {
namespace {

/// The original algorithm, weight by weight in double, with the inverse of H by Gauss and Jordan: the update
/// of Optimal Brain Quantization for inputs in their order.
std::vector<int8_t> plain_gptq(const Tensor& weights, const Tensor& x, const WeightQuant& quant) {
  const int64_t in = weights.shape()[1];
  const auto n = static_cast<size_t>(in);
  std::vector<std::vector<double>> h(n, std::vector<double>(n));
  double mean = 0.0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      for (int64_t t = 0; t < x.shape()[0]; ++t) {
        const float* row = x.as<float>() + t * in;
        h[i][j] += static_cast<double>(row[i]) * row[j];
      }
    }
    mean += h[i][i] / static_cast<double>(in);
  }
  for (size_t i = 0; i < n; ++i) h[i][i] += kGptqDamping * mean;
  std::vector<std::vector<double>> inverse(n, std::vector<double>(n));
  for (size_t i = 0; i < n; ++i) inverse[i][i] = 1.0;
  for (size_t p = 0; p < n; ++p) {
    const double pivot = h[p][p];
    for (size_t j = 0; j < n; ++j) h[p][j] /= pivot, inverse[p][j] /= pivot;
    for (size_t i = 0; i < n; ++i) {
      const double factor = h[i][p];
      if (i == p) continue;
      for (size_t j = 0; j < n; ++j) {
        h[i][j] -= factor * h[p][j];
        inverse[i][j] -= factor * inverse[p][j];
      }
    }
  }
  std::vector<int8_t> numbers;
  for (int64_t r = 0; r < weights.shape()[0]; ++r) {
    std::vector<double> w(weights.as<float>() + r * in, weights.as<float>() + (r + 1) * in);
    std::vector<std::vector<double>> left = inverse;
    GroupMeaning meaning;
    for (size_t i = 0; i < n; ++i) {
      const int64_t width = in / groups_of(quant, in);
      if (static_cast<int64_t>(i) % width == 0) {
        const std::vector<float> group(w.begin() + static_cast<std::ptrdiff_t>(i),
                                       w.begin() + static_cast<std::ptrdiff_t>(i) + width);
        meaning = meaning_of(group.data(), width, quant, DType::kF32);
      }
      const float number = nearest_number(static_cast<float>(w[i]), meaning, quant);
      numbers.push_back(static_cast<int8_t>(number));
      const double error = (w[i] - static_cast<double>(meaning.scale) * (number - meaning.zero)) / left[i][i];
      for (size_t j = i + 1; j < n; ++j) w[j] -= error * left[i][j];
      // What is left of the inverse once input i is fixed.
      for (size_t a = i + 1; a < n; ++a)
        for (size_t b = i + 1; b < n; ++b) left[a][b] -= left[a][i] * left[i][b] / left[i][i];
    }
  }
  return numbers;
}

TEST(Gptq, MakesTheNumbersOfThePlainFormula) {
  Machine machine(select_kernels(IsaLevel::kPortable), 2);
  const Tensor x = test::correlated_inputs(96, 40, 1);
  const Tensor weights = test::normal_matrix(5, 40, 2);
  for (const WeightQuant quant :
       {WeightQuant{4, 0, false}, WeightQuant{4, 0, true}, WeightQuant{8, 0, false}}) {
    const Tensor factor = inverse_factor(products_of(x.view(), machine), kGptqDamping);
    const QuantizedMatrix found = gptq(test::copy_of(weights).view(), factor.view(), quant, DType::kF32, {});
    const std::vector<int8_t> right = plain_gptq(weights, x, quant);
    int64_t differences = 0;
    for (size_t i = 0; i < right.size(); ++i) differences += found.values[i] == right[i] ? 0 : 1;
    // A weight that lies between two numbers may fall to either side, and those after it then differ too.
    EXPECT_LE(differences, quant.bits == 4 ? 2 : 6) << quant.bits << " bits";
  }
}

TEST(Gptq, KeepsOutputsCloserThanRoundingOnCorrelatedInputs) {
  Machine machine(select_kernels(IsaLevel::kPortable), 2);
  for (const int64_t group : {int64_t{0}, int64_t{32}, int64_t{64}, int64_t{128}}) {
    const int64_t in = group == 0 ? 131 : 256;
    const Tensor x = test::correlated_inputs(300, in, 3);
    const Tensor weights = test::normal_matrix(37, in, 4);
    const WeightQuant quant = {4, group, group == 64};
    const Tensor factor = inverse_factor(products_of(x.view(), machine), kGptqDamping);
    const Tensor with =
        gptq(test::copy_of(weights).view(), factor.view(), quant, DType::kBF16, {}).dequantized();
    const Tensor without = rounded(weights.view(), quant, DType::kBF16).dequantized();
    EXPECT_LT(test::output_error(x.view(), weights.view(), with.view()),
              0.5 * test::output_error(x.view(), weights.view(), without.view()))
        << "groups of " << group;
  }
}

TEST(Gptq, MakesUpForPrunedWeights) {
  Machine machine(select_kernels(IsaLevel::kPortable), 2);
  const Tensor x = test::correlated_inputs(200, 64, 5);
  const Tensor weights = test::normal_matrix(11, 64, 6);
  std::vector<uint8_t> pruned(11 * 64);
  for (size_t i = 0; i < pruned.size(); i += 2) pruned[i] = 1;
  const Tensor factor = inverse_factor(products_of(x.view(), machine), kGptqDamping);
  const QuantizedMatrix found = gptq(test::copy_of(weights).view(), factor.view(), {}, DType::kF32, pruned);
  Tensor zeroed = test::copy_of(weights);
  for (size_t i = 0; i < pruned.size(); i += 2) {
    zeroed.as<float>()[i] = 0.0F;
    EXPECT_EQ(found.values[i], 0);
  }
  EXPECT_LT(test::output_error(x.view(), weights.view(), found.dequantized().view()),
            0.8 * test::output_error(x.view(), weights.view(), zeroed.view()));
}

TEST(Gptq, TakesInputsThatAreAlwaysZeroAndTextsShorterThanARow) {
  Machine machine(select_kernels(IsaLevel::kPortable), 2);
  Tensor x = test::normal_matrix(3, 130, 7);
  for (int64_t t = 0; t < 3; ++t) x.as<float>()[t * 130 + 5] = 0.0F;
  const Tensor weights = test::normal_matrix(2, 130, 8);
  const Tensor factor = inverse_factor(products_of(x.view(), machine), kGptqDamping);
  const Tensor found = gptq(test::copy_of(weights).view(), factor.view(), {}, DType::kF32, {}).dequantized();
  for (int64_t i = 0; i < 2 * 130; ++i) EXPECT_TRUE(std::isfinite(found.as<float>()[i]));
  // Nothing makes up for others with a weight that no text tells about.
  EXPECT_NEAR(found.as<float>()[5], weights.as<float>()[5], 0.02);
}

TEST(InverseFactor, IsTheCholeskyFactorOfTheDampedInverse) {
  Machine machine(select_kernels(IsaLevel::kPortable), 2);
  for (const int64_t in : {int64_t{1}, int64_t{7}, int64_t{64}, int64_t{150}}) {
    const Tensor x = test::normal_matrix(2 * in + 3, in, 9);
    Tensor products = products_of(x.view(), machine);
    Tensor damped = test::copy_of(products);
    double mean = 0.0;
    for (int64_t i = 0; i < in; ++i) mean += products.as<float>()[i * in + i] / static_cast<double>(in);
    for (int64_t i = 0; i < in; ++i) damped.as<float>()[i * in + i] += static_cast<float>(0.01 * mean);
    const Tensor factor = inverse_factor(std::move(products), 0.01);
    // U H U^T is the identity.
    Tensor half(DType::kF32, {in, in});
    const std::vector<double> uh = test::product(factor.view(), damped.view());
    for (size_t i = 0; i < uh.size(); ++i) half.as<float>()[i] = static_cast<float>(uh[i]);
    const std::vector<double> whole = test::product(half.view(), factor.view());
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t j = 0; j < in; ++j) {
        EXPECT_NEAR(whole[static_cast<size_t>(i * in + j)], i == j ? 1.0 : 0.0, 1e-4);
        if (j < i) {
          EXPECT_EQ(factor.as<float>()[i * in + j], 0.0F);
        }
      }
    }
  }
}

}  // namespace
}  // namespace caravan
