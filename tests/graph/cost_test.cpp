// What a step costs at least, against arithmetic by hand.
#include "graph/cost.h"

#include <gtest/gtest.h>

#include "graph/builder.h"

namespace caravan {
namespace {

/// One attention between an embedding and a head: vocabulary 10, hidden size 4, 4 heads and 2 of keys and
/// values, of 2 elements each.
Graph small_graph(DType dtype, int64_t window) {
  GraphBuilder graph({.weights = dtype, .kv_cache = dtype});
  const ValueId x = graph.rms_norm(graph.embedding({"table"}, 10, 4), "norm", 1e-5);
  const ValueId q = graph.linear(x, {"q"}, 8);
  const ValueId k = graph.linear(x, {"k"}, 4);
  const ValueId v = graph.linear(x, {"v"}, 4, "v.bias");
  const ValueId mixed = graph.attention(q, k, v, {.head_dim = 2, .kv_heads = 2, .window = window});
  return graph.finish(graph.linear(graph.take_logit_rows(mixed), {"head"}, 10));
}

/// An embedding and a head of vocabulary 10 and hidden size 4, which are one table if `tied`.
Graph table_and_head(bool tied) {
  GraphBuilder graph({.weights = DType::kF32, .kv_cache = DType::kF32});
  const ValueId x = graph.take_logit_rows(graph.embedding({"table"}, 10, 4));
  return graph.finish(graph.linear(x, {tied ? "table" : "head"}, 10));
}

/// The costs of the nodes of `graph` that are `op`.
std::vector<Cost> costs_of(OpKind op, const Graph& graph, const std::vector<StepSequence>& sequences) {
  const std::vector<Cost> all = cost_of_step(graph, sequences);
  std::vector<Cost> costs;
  for (size_t i = 0; i < all.size(); ++i) {
    if (graph.nodes[i].op == op) costs.push_back(all[i]);
  }
  return costs;
}

/// A prompt of three tokens, and one token that follows five: four tokens, and the logits of two.
const std::vector<StepSequence> kMixed = {{0, 3}, {5, 1}};

TEST(CostOfStep, HasOneCostForEachNode) {
  const Graph graph = small_graph(DType::kF32, 0);
  EXPECT_EQ(cost_of_step(graph, kMixed).size(), graph.nodes.size());
}

TEST(CostOfStep, CountsAMatmulTwiceForEachWeightAndTokenAndReadsItOnce) {
  const std::vector<Cost> linears = costs_of(OpKind::kLinear, small_graph(DType::kBF16, 0), kMixed);
  ASSERT_EQ(linears.size(), 4U);
  EXPECT_EQ(linears[0].flops, 2 * (8 * 4) * 4);
  EXPECT_EQ(linears[0].bytes, (8 * 4) * 2);
  EXPECT_EQ(linears[1].flops, 2 * (4 * 4) * 4);
  EXPECT_EQ(linears[1].bytes, (4 * 4) * 2);
  // A bias is read too, in fp32.
  EXPECT_EQ(linears[2].flops, linears[1].flops);
  EXPECT_EQ(linears[2].bytes, linears[1].bytes + 4 * 4);
}

TEST(CostOfStep, CountsTheHeadForTheLastTokenOfEachSequenceOnly) {
  const Cost head = costs_of(OpKind::kLinear, small_graph(DType::kBF16, 0), kMixed).back();
  EXPECT_EQ(head.flops, 2 * (10 * 8) * 2);
  EXPECT_EQ(head.bytes, (10 * 8) * 2);
}

TEST(CostOfStep, LetsEachTokenAttendToItselfAndThoseBefore) {
  const Cost cost = costs_of(OpKind::kAttention, small_graph(DType::kBF16, 0), kMixed).at(0);
  // 1 + 2 + 3 keys of the prompt, 6 of the other; q has 8 elements.
  EXPECT_EQ(cost.flops, 4 * 8 * (1 + 2 + 3 + 6));
  // Keys and values of 3 and of 6 tokens, 2 heads of 2 elements of 2 bytes.
  EXPECT_EQ(cost.bytes, (3 + 6) * 2 * (2 * 2) * 2);
}

TEST(CostOfStep, ReadsTheExpertsThatSomeTokenIsLikelyToChoose) {
  GraphBuilder graph({.weights = DType::kBF16, .kv_cache = DType::kBF16});
  const ValueId x = graph.rms_norm(graph.embedding({"table"}, 10, 4), "norm", 1e-5);
  const Routing routing = graph.route(graph.linear(x, {"router"}, 8), 2, true);
  const ValueId made = graph.expert_linear(x, {"e.", ".w"}, 64, routing);
  const Graph mixture = graph.finish(graph.grouped_linear(made, {"e.", ".v"}, 4, routing));
  const double expert_bytes = 64 * 4 * 2;
  // One token reads its two experts; a second one one and a half of its own, as it may choose the same.
  const std::vector<Cost> one = costs_of(OpKind::kGroupedLinear, mixture, {{7, 1}});
  EXPECT_DOUBLE_EQ(one[0].bytes, 2 * expert_bytes);
  EXPECT_DOUBLE_EQ(one[0].flops, 2 * (2 * 64 * 4));
  const std::vector<Cost> two = costs_of(OpKind::kGroupedLinear, mixture, {{7, 1}, {9, 1}});
  EXPECT_DOUBLE_EQ(two[0].bytes, 3.5 * expert_bytes);
  EXPECT_DOUBLE_EQ(two[0].flops, 2 * one[0].flops);
  // Four outputs fill a panel of 64.
  EXPECT_DOUBLE_EQ(two[1].bytes, 3.5 * (64 * 64 * 2));
  EXPECT_DOUBLE_EQ(two[1].flops, two[0].flops);
}

TEST(CostOfStep, CountsAnInt8CachesElementsAndScales) {
  GraphBuilder graph({.weights = DType::kBF16, .kv_cache = DType::kI8});
  const ValueId x = graph.embedding({"table"}, 10, 4);
  const Graph attention = graph.finish(graph.attention(x, x, x, {.head_dim = 2, .kv_heads = 2}));
  // Keys and values of 3 and of 6 tokens, 2 heads of 2 bytes and a scale of 4.
  EXPECT_EQ(costs_of(OpKind::kAttention, attention, kMixed).at(0).bytes, (3 + 6) * 2 * (2 * (2 + 4)));
}

TEST(CostOfStep, LeavesOutWhatLiesBeforeTheWindow) {
  const Cost cost = costs_of(OpKind::kAttention, small_graph(DType::kBF16, 2), kMixed).at(0);
  EXPECT_EQ(cost.flops, 4 * 8 * (1 + 2 + 2 + 2));
  EXPECT_EQ(cost.bytes, (3 + 2) * 2 * (2 * 2) * 2);
}

TEST(CostOfStep, IsTheSameWithAWindowThatNothingReaches) {
  const Cost all = total_of(cost_of_step(small_graph(DType::kF32, 0), kMixed));
  const Cost wide = total_of(cost_of_step(small_graph(DType::kF32, 6), kMixed));
  EXPECT_EQ(wide.flops, all.flops);
  EXPECT_EQ(wide.bytes, all.bytes);
}

TEST(CostOfStep, CountsAPromptInPiecesAsOftenAsAWhole) {
  const Graph graph = small_graph(DType::kF32, 3);
  const auto flops = [&graph](int64_t first, int64_t count) {
    return costs_of(OpKind::kAttention, graph, {{first, count}}).at(0).flops;
  };
  EXPECT_EQ(flops(0, 9), flops(0, 2) + flops(2, 3) + flops(5, 4));
}

TEST(CostOfStep, ReadsOfAnEmbeddingTheRowsThatAreLookedUp) {
  const Cost cost = costs_of(OpKind::kEmbedding, table_and_head(false), kMixed).at(0);
  EXPECT_EQ(cost.flops, 0);
  EXPECT_EQ(cost.bytes, 4 * 4 * 4);
}

TEST(CostOfStep, ReadsATiedTableOnce) {
  const Graph tied = table_and_head(true);
  EXPECT_EQ(costs_of(OpKind::kEmbedding, tied, kMixed).at(0).bytes, 0);
  EXPECT_EQ(total_of(cost_of_step(tied, kMixed)).bytes, 10 * 4 * 4);
}

TEST(CostOfStep, ReadsTheWeightsOfOtherOps) {
  const Cost norm = costs_of(OpKind::kRmsNorm, small_graph(DType::kBF16, 0), kMixed).at(0);
  EXPECT_EQ(norm.flops, 0);
  EXPECT_EQ(norm.bytes, 4 * 4);
}

TEST(LeastSeconds, AddsTheLongerOfReadingAndArithmeticOfEachOp) {
  const std::vector<Cost> costs = {{.flops = 100, .bytes = 10}, {.flops = 50, .bytes = 40}};
  EXPECT_DOUBLE_EQ(least_seconds(costs, {.bytes_per_second = 10, .flops_per_second = 50}), 2.0 + 4.0);
}

TEST(LeastSeconds, IsOfReadingAloneWhereThePeakIsNotKnown) {
  const std::vector<Cost> costs = {{.flops = 100, .bytes = 10}, {.flops = 50, .bytes = 40}};
  EXPECT_DOUBLE_EQ(least_seconds(costs, {.bytes_per_second = 10, .flops_per_second = {}}), 1.0 + 4.0);
}

TEST(WeightBytes, CountsEveryWeightOnce) {
  EXPECT_EQ(weight_bytes(table_and_head(false)), 2U * 10 * 4 * 4);
  EXPECT_EQ(weight_bytes(table_and_head(true)), 10U * 4 * 4);
  // Table, q, k, v and head in bf16, norm and bias in fp32.
  EXPECT_EQ(weight_bytes(small_graph(DType::kBF16, 0)), 2U * (40 + 32 + 16 + 16 + 80) + 4 * (4 + 4));
}

}  // namespace
}  // namespace caravan
