#include "execute/eager.h"

#include <gtest/gtest.h>

#include "graph/builder.h"
#include "kernels/select.h"

namespace caravan {
namespace {

/// Inputs of a step of two tokens of one sequence, and what they point to.
struct TinyStep {
  std::vector<int32_t> ids = {2, 0};
  std::vector<int32_t> positions = {0, 1};
  std::vector<int32_t> sequences = {0, 0};
  std::vector<int32_t> table = {0};
  std::vector<float> frequencies = {1.0F};
  std::vector<int32_t> rows = {1};
  std::vector<float> embedding = {1, 2, 3, 4, 5, 6};  // [3, 2]
  std::vector<ConstTensorView> weights = {{embedding.data(), DType::kF32, {3, 2}}};

  [[nodiscard]] StepTensors tensors() const {
    StepTensors step;
    const auto set = [&step](InputKind kind, const void* data, DType dtype, const Shape& shape) {
      step.inputs.at(static_cast<size_t>(kind)) = ConstTensorView(data, dtype, shape);
    };
    set(InputKind::kTokenIds, ids.data(), DType::kI32, {2});
    set(InputKind::kPositions, positions.data(), DType::kI32, {2});
    set(InputKind::kSequences, sequences.data(), DType::kI32, {2});
    set(InputKind::kBlockTable, table.data(), DType::kI32, {1, 1});
    set(InputKind::kRopeFrequencies, frequencies.data(), DType::kF32, {1, 1});
    set(InputKind::kLogitRows, rows.data(), DType::kI32, {1});
    step.weights = weights;
    return step;
  }
};

TEST(RunEager, RunsEveryNodeInOrder) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 3, 2);
  const ValueId doubled = builder.add(x, x);
  const Graph graph = builder.finish(builder.take_logit_rows(builder.add(doubled, x)));
  ThreadTeam team(2);
  const TinyStep step;
  const Tensor output = run_eager(graph, step.tensors(), select_kernels(IsaLevel::kPortable), team);
  ASSERT_EQ(output.shape(), (Shape{1, 2}));
  // Row 1 is token 0, whose embedding is (1, 2); three times that.
  EXPECT_EQ(output.as<float>()[0], 3.0F);
  EXPECT_EQ(output.as<float>()[1], 6.0F);
}

TEST(RunEager, RoundsKeysAndValuesToScalesThatTheCheckpointGives) {
  GraphBuilder builder({.weights = DType::kF32, .kv_cache = DType::kI8});
  const ValueId x = builder.embedding({"table"}, 3, 2);
  const AttentionSpec spec = {.head_dim = 2, .kv_heads = 1, .k_scale = "k_scale", .v_scale = "v_scale"};
  const Graph graph = builder.finish(builder.take_logit_rows(builder.attention(x, x, x, spec)));
  ThreadTeam team(2);
  TinyStep step;
  step.rows = {0};
  const float scale = 0.75F;
  step.weights.emplace_back(&scale, DType::kF32, Shape{1});
  step.weights.emplace_back(&scale, DType::kF32, Shape{1});
  const Tensor k_cache(DType::kI8, {1, 1, 16, 6});
  const Tensor v_cache(DType::kI8, {1, 1, 16, 6});
  const std::vector<TensorView> caches = {k_cache.view(), v_cache.view()};
  StepTensors tensors = step.tensors();
  tensors.caches = caches;
  for (const IsaLevel level : available_levels(cpu_features())) {
    const Tensor output = run_eager(graph, tensors, select_kernels(level), team);
    // Token 2 is (5, 6), attends to itself, and is stored as 7 and 8 times the scale.
    EXPECT_FLOAT_EQ(output.as<float>()[0], 5.25F) << name_of(level);
    EXPECT_FLOAT_EQ(output.as<float>()[1], 6.0F) << name_of(level);
  }
}

TEST(SymbolSizes, AreReadFromTheStep) {
  const TinyStep step;
  const SymbolSizes sizes(step.tensors());
  EXPECT_EQ(sizes.resolve({{Symbol::kTokens, 0}, {Symbol::kNone, 7}}), (Shape{2, 7}));
  EXPECT_EQ(sizes.resolve({{Symbol::kLogitRows, 0}}), (Shape{1}));
}

TEST(RunEagerDeathTest, AbortsOnAWeightOfTheWrongShape) {
  GraphBuilder builder({});
  const Graph graph = builder.finish(builder.embedding({"table"}, 3, 4));
  const TinyStep step;
  EXPECT_DEATH(
      {
        ThreadTeam team(1);
        run_eager(graph, step.tensors(), select_kernels(IsaLevel::kPortable), team);
      },
      "bug");
}

}  // namespace
}  // namespace caravan
