// The three modes on one small graph: the same logits, and counters that say how each step ran.
#include "execute/executor.h"

#include <gtest/gtest.h>

#include <numeric>

#include "graph/builder.h"
#include "kernels/select.h"

namespace caravan {
namespace {

constexpr int64_t kVocab = 6;
constexpr int64_t kHidden = 22;  // no multiple of a vector's width

/// An embedding, an attention with one head, and a head, in fp32 and as recorded.
Graph small_graph() {
  GraphBuilder builder({});
  const ValueId angles = builder.rope_angles(kHidden, 1.0);
  const ValueId x = builder.embedding({"table"}, kVocab, kHidden);
  const ValueId q = builder.rope(x, angles);
  const ValueId k = builder.rope(x, angles);
  const ValueId mixed = builder.attention(q, k, x, {.head_dim = kHidden, .kv_heads = 1, .scale = 0.5F});
  const ValueId sum = builder.add(x, mixed);
  return builder.finish(builder.linear(builder.take_logit_rows(sum), {"table"}, kVocab));
}

/// Two additions that no matmul makes and that a norm follows, the first of which is read again: as recorded,
/// or rewritten by fuse_add_norm alone.
Graph add_norm_graph(bool fused) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, kVocab, kHidden);
  const ValueId mixed = builder.attention(x, x, x, {.head_dim = kHidden, .kv_heads = 1, .scale = 0.5F});
  const ValueId sum = builder.add(x, mixed);
  const ValueId normed = builder.rms_norm(sum, "norm", 1e-5);
  const ValueId more = builder.add(builder.silu_mul(normed, sum), sum);
  const ValueId last = builder.add(builder.rms_norm(more, "norm", 1e-5), normed);
  Graph graph = builder.finish(builder.linear(builder.take_logit_rows(last), {"table"}, kVocab));
  EXPECT_EQ(fused ? fuse_add_norm(graph) : 2, 2);
  return graph;
}

class ExecutorTest : public testing::Test {
 protected:
  ExecutorTest() : team_(2), kernels_(select_kernels(IsaLevel::kPortable)) {
    for (size_t i = 0; i < table_.size(); ++i) table_[i] = static_cast<float>(i % 7) - 3.0F;
    for (int i = 0; i < 2; ++i) {
      caches_.emplace_back(DType::kF32, Shape{3, 1, 16, kHidden});
      cache_views_.push_back(caches_.back().view());
    }
    std::iota(norm_.begin(), norm_.end(), -3.5F);
    weights_.push_back({table_.data(), DType::kF32, {kVocab, kHidden}});
    weights_.push_back({norm_.data(), DType::kF32, {kHidden}});
  }

  Executor executor(ExecuteMode mode) { return executor(mode, graph_, kernels_); }
  Executor executor(ExecuteMode mode, const Graph& graph, const KernelTable& kernels) {
    return Executor({graph, weights_, cache_views_, kernels, team_},
                    {.mode = mode, .max_sequences = 3, .max_blocks_per_sequence = 1});
  }

  /// Logits of the last token of each of `sequences`, which have `count` tokens from `position` on.
  std::vector<float> step(Executor& executor, int64_t sequences, int64_t position, int64_t count) {
    std::vector<int32_t> ids;
    std::vector<int32_t> positions;
    std::vector<int32_t> owners;
    std::vector<int32_t> rows;
    for (int64_t s = 0; s < sequences; ++s) {
      for (int64_t i = 0; i < count; ++i) {
        ids.push_back(static_cast<int32_t>((s + position + i) % kVocab));
        positions.push_back(static_cast<int32_t>(position + i));
        owners.push_back(static_cast<int32_t>(s));
      }
      rows.push_back(static_cast<int32_t>(ids.size()) - 1);
    }
    std::vector<int32_t> blocks(static_cast<size_t>(sequences));
    std::iota(blocks.begin(), blocks.end(), 0);
    const std::vector<float> frequencies(static_cast<size_t>(sequences * kHidden / 2), 0.3F);
    StepInputs inputs;
    const auto set = [&inputs](InputKind kind, const auto& values, DType dtype, const Shape& shape) {
      inputs.at(static_cast<size_t>(kind)) = ConstTensorView(values.data(), dtype, shape);
    };
    const auto tokens = static_cast<int64_t>(ids.size());
    set(InputKind::kTokenIds, ids, DType::kI32, {tokens});
    set(InputKind::kPositions, positions, DType::kI32, {tokens});
    set(InputKind::kSequences, owners, DType::kI32, {tokens});
    set(InputKind::kBlockTable, blocks, DType::kI32, {sequences, 1});
    set(InputKind::kRopeFrequencies, frequencies, DType::kF32, {sequences, kHidden / 2});
    set(InputKind::kLogitRows, rows, DType::kI32, {sequences});
    const TensorView logits = executor.run(inputs);
    EXPECT_EQ(logits.shape, (Shape{sequences, kVocab}));
    return {logits.as<float>(), logits.as<float>() + logits.shape.elements()};
  }

  Graph graph_ = small_graph();
  ThreadTeam team_;
  KernelTable kernels_;
  std::vector<float> table_ = std::vector<float>(kVocab * kHidden);  // [vocab, hidden]
  std::vector<float> norm_ = std::vector<float>(kHidden);            // [hidden]
  std::vector<Tensor> caches_;
  std::vector<TensorView> cache_views_;
  std::vector<ConstTensorView> weights_;  ///< the table, the norm
};

TEST_F(ExecutorTest, GivesTheSameLogitsInEveryMode) {
  Executor eager = executor(ExecuteMode::kEager);
  Executor compiled = executor(ExecuteMode::kReduceOverhead);
  for (const int64_t sequences : {1, 3, 2}) {
    EXPECT_EQ(step(compiled, sequences, 0, 5), step(eager, sequences, 0, 5)) << sequences;
    for (int64_t position = 5; position < 8; ++position)
      EXPECT_EQ(step(compiled, sequences, position, 1), step(eager, sequences, position, 1)) << sequences;
  }
}

TEST_F(ExecutorTest, GivesTheSameBitsWhetherAdditionsAndNormsAreOneOpOrTwo) {
  const Graph fused = add_norm_graph(true);
  const Graph apart = add_norm_graph(false);
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable kernels = select_kernels(level);
    Executor expected = executor(ExecuteMode::kEager, apart, kernels);
    Executor eager = executor(ExecuteMode::kEager, fused, kernels);
    Executor compiled = executor(ExecuteMode::kReduceOverhead, fused, kernels);
    Executor compiled_apart = executor(ExecuteMode::kReduceOverhead, apart, kernels);
    for (const int64_t sequences : {1, 3, 2}) {
      for (int64_t position = 0; position < 8; position += position == 0 ? 5 : 1) {
        const int64_t count = position == 0 ? 5 : 1;
        const std::vector<float> logits = step(expected, sequences, position, count);
        EXPECT_EQ(step(eager, sequences, position, count), logits) << name_of(level) << ' ' << sequences;
        EXPECT_EQ(step(compiled, sequences, position, count), logits) << name_of(level) << ' ' << sequences;
        EXPECT_EQ(step(compiled_apart, sequences, position, count), logits) << name_of(level);
      }
    }
    EXPECT_GT(compiled.stats().replayed_steps, 0);
    EXPECT_LE(compiled.stats().planned_bytes, compiled_apart.stats().planned_bytes);
  }
}

TEST_F(ExecutorTest, CountsHowEachStepRan) {
  Executor eager = executor(ExecuteMode::kEager);
  step(eager, 1, 0, 2);
  step(eager, 1, 2, 1);
  EXPECT_EQ(eager.stats().eager_steps, 2);
  EXPECT_EQ(eager.stats().compiled_steps + eager.stats().replayed_steps, 0);
  Executor compiled = executor(ExecuteMode::kMaxAutotune);
  step(compiled, 1, 0, 2);
  step(compiled, 1, 2, 1);
  step(compiled, 1, 3, 1);
  EXPECT_EQ(compiled.stats().compiled_steps, 1);
  EXPECT_EQ(compiled.stats().replayed_steps, 2);
  EXPECT_EQ(compiled.stats().eager_steps, 0);
}

TEST_F(ExecutorTest, SharesMemoryAndSaysHowMuch) {
  Executor compiled = executor(ExecuteMode::kReduceOverhead);
  step(compiled, 1, 0, 12);
  EXPECT_GT(compiled.stats().planned_bytes, 0U);
  EXPECT_LT(compiled.stats().planned_bytes, compiled.stats().unshared_bytes);
}

}  // namespace
}  // namespace caravan
