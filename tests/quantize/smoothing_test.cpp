#include "quantize/smoothing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/llama.h"
#include "quantize/made.h"
#include "support/paths.h"

namespace caravan {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

TEST(Smoothing, DividesInputsAsTheFormulaSays) {
  const std::vector<float> inputs = {16.0F, 4.0F, 0.0F, 9.0F};
  const std::vector<float> weights = {1.0F, 4.0F, 2.0F, 0.0F};
  EXPECT_THAT(smoothing_factors(inputs, weights, 0.5F), ElementsAre(4.0F, 1.0F, 1.0F, 1.0F));
  EXPECT_THAT(smoothing_factors(inputs, weights, 1.0F), ElementsAre(16.0F, 4.0F, 1.0F, 1.0F));
}

/// The demo model's activations over a few tokens, with its weights multiplied as `smoothing` says: what each
/// group of matmuls gives.
std::vector<Tensor> outputs_of(const SourceCheckpoint& source, const QuantizePlan& plan,
                               const Smoothing& smoothing, Magnitudes& magnitudes) {
  const std::vector<std::vector<int32_t>> texts = {{0, 300, 17, 2000, 45, 46, 47}, {0, 9, 99, 999}};
  Machine machine;
  CalibrationWalk walk(source.config(), plan.graph, texts, machine);
  const auto read = [&](const WeightSpec& spec, const std::string& name) {
    Tensor tensor = source.read(source.find(spec));
    smoothing.apply(name, tensor.view());
    return tensor;
  };
  std::vector<Tensor> all;
  WalkHooks hooks;
  hooks.weight = [&](const WeightSpec& spec) { return read(spec, spec.sources.front().names.front()); };
  hooks.multiply = [&](const MatmulGroup&, const ConstTensorView& x, ExpertOffsets) {
    const PlannedGroup& group = plan.groups[magnitudes.inputs.size()];
    magnitudes.inputs.push_back(column_magnitudes(x));
    magnitudes.weights.emplace_back(magnitudes.inputs.back().size());
    std::vector<Tensor> outputs;
    for (const PlannedMatrix& matrix : group.matrices) {
      const Tensor weights = read(matrix.spec, matrix.name);
      const std::vector<float> columns = column_magnitudes(weights.view());
      for (size_t i = 0; i < columns.size(); ++i)
        magnitudes.weights.back()[i] = std::max(magnitudes.weights.back()[i], columns[i]);
      outputs.push_back(machine.multiply(x, weights.view()));
      all.push_back(test::copy_of(outputs.back()));
    }
    return outputs;
  };
  walk.walk(hooks);
  return all;
}

TEST(Smoothing, LeavesTheModelTheSameAndItsInputsEven) {
  const SourceCheckpoint source(test::source_dir() / "models" / "demo");
  QuantizeOptions options;
  options.scheme = *quantization_from_name("w8a8");
  const QuantizePlan plan = plan_quantization(source, options);
  Magnitudes before;
  const std::vector<Tensor> plain = outputs_of(source, plan, {}, before);
  const Smoothing smoothing = smoothing_of(plan, before, 0.5F);
  Magnitudes after;
  const std::vector<Tensor> smoothed = outputs_of(source, plan, smoothing, after);
  ASSERT_EQ(plain.size(), 4U * 7U + 1U);
  const auto same_logits = [](const Tensor& a, const Tensor& b) {
    for (int64_t i = 0; i < a.shape().elements(); ++i)
      ASSERT_NEAR(a.as<float>()[i], b.as<float>()[i], 2e-3) << "logit " << i;
  };
  same_logits(plain.back(), smoothed.back());
  // Norms before q, k and v, v before o, norms before gate and up, up before down, the norm before the head.
  EXPECT_EQ(smoothing.rows.size(), 4U * 4U + 1U);
  EXPECT_EQ(smoothing.columns.size(), plain.size());
  // With 0.5 an input and its weights have the same magnitude: those of the first layer's down, whose own
  // outputs nothing divides.
  EXPECT_THAT(after.inputs[3], Pointwise(FloatNear(1e-3F), after.weights[3]));
  double wider = 0.0;
  for (size_t g = 0; g < after.inputs.size(); ++g) {
    const auto ratio = [](const std::vector<float>& values) {
      double sum = 0.0;
      for (const float value : values) sum += value;
      return *std::max_element(values.begin(), values.end()) * static_cast<double>(values.size()) / sum;
    };
    wider += ratio(after.inputs[g]) / ratio(before.inputs[g]) / static_cast<double>(after.inputs.size());
  }
  EXPECT_LT(wider, 0.9);
}

TEST(Smoothing, LeavesAloneWhatStaysAsItIs) {
  const SourceCheckpoint source(test::source_dir() / "models" / "demo");
  QuantizeOptions options;
  options.scheme = *quantization_from_name("w8a8");
  options.keep.emplace_back("re:.*layers.0.self_attn.q_proj", "--keep");
  options.keep.emplace_back("model.layers.1.mlp.up_proj", "--keep");
  const QuantizePlan plan = plan_quantization(source, options);
  Magnitudes magnitudes;
  for (const PlannedGroup& group : plan.groups) {
    magnitudes.inputs.emplace_back(static_cast<size_t>(group.matrices.front().spec.width), 2.0F);
    magnitudes.weights.push_back(magnitudes.inputs.back());
  }
  const Smoothing smoothing = smoothing_of(plan, magnitudes, 0.7F);
  EXPECT_FALSE(smoothing.rows.contains("model.layers.0.input_layernorm.weight"));
  EXPECT_FALSE(smoothing.columns.contains("model.layers.0.self_attn.k_proj.weight"));
  EXPECT_FALSE(smoothing.columns.contains("model.layers.1.mlp.down_proj.weight"));
  EXPECT_TRUE(smoothing.columns.contains("model.layers.0.mlp.down_proj.weight"));
}

}  // namespace
}  // namespace caravan
