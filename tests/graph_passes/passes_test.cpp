// Each pass on a small graph: before and after.
#include "graph/passes/passes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/builder.h"

namespace caravan {
namespace {

/// The graph as a person reads it.
std::string text(const Graph& graph) { return to_string(graph); }

TEST(TakeRowsEarly, MovesBeforeEveryOpThatTreatsRowsOneByOne) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(x, builder.linear(builder.rms_norm(x, "norm", 1e-5), {"w"}, 4));
  Graph graph = builder.finish(builder.linear(builder.take_logit_rows(sum), {"head"}, 10));
  ASSERT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%4 fp32 [tokens, 4] = rms_norm(%2, norm)\n"
            "%6 fp32 [tokens, 4] = linear(%4, w)\n"
            "%7 fp32 [tokens, 4] = add(%2, %6)\n"
            "%9 fp32 [logit_rows, 4] = take_rows(%7, logit_rows)\n"
            "%11 fp32 [logit_rows, 10] = linear(%9, head)\n");
  EXPECT_EQ(take_rows_early(graph), 3);
  EXPECT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%12 fp32 [logit_rows, 4] = take_rows(%2, logit_rows)\n"
            "%4 fp32 [logit_rows, 4] = rms_norm(%12, norm)\n"
            "%6 fp32 [logit_rows, 4] = linear(%4, w)\n"
            "%7 fp32 [logit_rows, 4] = add(%12, %6)\n"
            "%11 fp32 [logit_rows, 10] = linear(%7, head)\n");
}

TEST(TakeRowsEarly, StopsWhereAllRowsAreRead) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId normed = builder.rms_norm(x, "norm", 1e-5);
  const ValueId k = builder.linear(normed, {"k"}, 2);
  const ValueId mixed = builder.attention(normed, k, k, {.head_dim = 2, .kv_heads = 1});
  Graph graph = builder.finish(builder.take_logit_rows(builder.add(normed, mixed)));
  EXPECT_EQ(take_rows_early(graph), 1);
  const std::string after = text(graph);
  EXPECT_NE(after.find("[tokens, 2] = linear("), std::string::npos) << after;
  EXPECT_NE(after.find("[logit_rows, 4] = add("), std::string::npos) << after;
}

TEST(TakeRowsEarly, LeavesAGraphWithoutIt) {
  GraphBuilder builder({});
  Graph graph = builder.finish(builder.embedding({"table"}, 10, 4));
  const std::string before = text(graph);
  EXPECT_EQ(take_rows_early(graph), 0);
  EXPECT_EQ(text(graph), before);
}

/// One attention with its projections, of hidden size 4, 2 heads and 1 KV head of 2.
Graph attention_graph(const std::string& q_bias, const std::string& kv_bias) {
  GraphBuilder builder({});
  const ValueId angles = builder.rope_angles(2, 1.0);
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId q = builder.linear(x, {"m.q_proj.weight"}, 4, q_bias);
  const ValueId k = builder.linear(x, {"m.k_proj.weight"}, 2, kv_bias);
  const ValueId v = builder.linear(x, {"m.v_proj.weight"}, 2, kv_bias.empty() ? "" : kv_bias + "v");
  const ValueId q_rotated = builder.rope(q, angles);
  const ValueId k_rotated = builder.rope(k, angles);
  return builder.finish(builder.attention(q_rotated, k_rotated, v, {.head_dim = 2, .kv_heads = 1}));
}

TEST(FuseRopeAndKvWrite, ReadsQueriesKeysAndValuesOnce) {
  Graph graph = attention_graph("", "");
  EXPECT_EQ(fuse_rope_and_kv_write(graph), 1);
  EXPECT_EQ(
      text(graph),
      "%3 fp32 [tokens, 2] = rope_angles(positions, sequences, rope_frequencies)\n"
      "%6 fp32 [tokens, 4] = embedding(token_ids, table)\n"
      "%8 fp32 [tokens, 4] = linear(%6, m.q_proj.weight)\n"
      "%10 fp32 [tokens, 2] = linear(%6, m.k_proj.weight)\n"
      "%12 fp32 [tokens, 2] = linear(%6, m.v_proj.weight)\n"
      "%13 fp32 [tokens, 4] = rope_kv_write(%8, %10, %12, %3, positions, sequences, block_table, "
      "k_cache.0, v_cache.0)\n"
      "%18 fp32 [tokens, 4] = attention(%13, positions, sequences, block_table, k_cache.0, v_cache.0)\n");
}

TEST(FuseRopeAndKvWrite, KeepsTheScalesOfAnInt8Cache) {
  GraphBuilder builder({.weights = DType::kF32, .kv_cache = DType::kI8});
  const ValueId angles = builder.rope_angles(2, 1.0);
  const ValueId x = builder.embedding({"table"}, 10, 2);
  const AttentionSpec spec = {.head_dim = 2, .kv_heads = 1, .k_scale = "m.k_scale", .v_scale = "m.v_scale"};
  const ValueId q = builder.rope(x, angles);
  Graph graph = builder.finish(builder.attention(q, builder.rope(x, angles), x, spec));
  EXPECT_EQ(fuse_rope_and_kv_write(graph), 1);
  EXPECT_THAT(text(graph), testing::HasSubstr("block_table, k_cache.0, v_cache.0, m.k_scale, m.v_scale)"));
}

TEST(FuseRopeAndKvWrite, LeavesKeysThatAreStoredAsTheyAre) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId k = builder.linear(x, {"k"}, 2);
  Graph graph = builder.finish(builder.attention(x, k, k, {.head_dim = 2, .kv_heads = 1}));
  const std::string before = text(graph);
  EXPECT_EQ(fuse_rope_and_kv_write(graph), 0);
  EXPECT_EQ(text(graph), before);
}

TEST(MergeQkv, StacksTheWeightsOneBelowTheOther) {
  Graph graph = attention_graph("m.q_proj.bias", "m.k_proj.bias");
  fuse_rope_and_kv_write(graph);
  EXPECT_EQ(merge_qkv(graph), 1);
  ASSERT_EQ(graph.nodes.size(), 5U);
  const Node& linear = graph.nodes[2];
  ASSERT_EQ(linear.op, OpKind::kLinear);
  const Value& weight = graph.values[static_cast<size_t>(linear.inputs[1])];
  EXPECT_EQ(weight.name, "m.q_proj+k_proj+v_proj.weight");
  const WeightSpec& spec = graph.weights[static_cast<size_t>(weight.index)];
  EXPECT_EQ(spec.sources, (std::vector<WeightSource>{
                              {{"m.q_proj.weight"}, 4}, {{"m.k_proj.weight"}, 2}, {{"m.v_proj.weight"}, 2}}));
  EXPECT_EQ(shape_of(spec), (Shape{8, 4}));
  const Value& bias = graph.values[static_cast<size_t>(linear.inputs[2])];
  EXPECT_EQ(shape_of(graph.weights[static_cast<size_t>(bias.index)]), (Shape{8}));
  const Node& write = graph.nodes[3];
  EXPECT_EQ(write.op, OpKind::kRopeKvWrite);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(write.inputs[i], linear.outputs.front());
}

TEST(MergeQkv, LeavesMatmulsOfWhichOnlySomeHaveABias) {
  Graph graph = attention_graph("m.q_proj.bias", "");
  fuse_rope_and_kv_write(graph);
  const std::string before = text(graph);
  EXPECT_EQ(merge_qkv(graph), 0);
  EXPECT_EQ(text(graph), before);
}

TEST(FuseSwiglu, MakesTheGateAnEpilogueOfOneInterleavedMatmul) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId gate = builder.linear(x, {"m.gate_proj.weight"}, 6, "m.gate_proj.bias");
  const ValueId up = builder.linear(x, {"m.up_proj.weight"}, 6, "m.up_proj.bias");
  Graph graph = builder.finish(builder.silu_mul(gate, up));
  EXPECT_EQ(fuse_swiglu(graph), 1);
  EXPECT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%9 fp32 [tokens, 6] = packed_linear(%2, m.gate_proj+up_proj.weight, m.gate_proj+up_proj.bias) "
            "{silu_mul}\n");
  EXPECT_EQ(shape_of(graph.weights[static_cast<size_t>(graph.weights.size() - 2)]), (Shape{1, 4, 64, 1}));
  EXPECT_EQ(shape_of(graph.weights.back()), (Shape{64}));
}

TEST(FuseSwiglu, LeavesAGateThatIsReadAgain) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId gate = builder.linear(x, {"gate"}, 4);
  const ValueId up = builder.linear(x, {"up"}, 4);
  Graph graph = builder.finish(builder.add(gate, builder.silu_mul(gate, up)));
  EXPECT_EQ(fuse_swiglu(graph), 0);
}

TEST(PackLinears, PacksEachWeightOnce) {
  GraphBuilder builder({.weights = DType::kBF16, .kv_cache = DType::kBF16});
  const ValueId x = builder.rms_norm(builder.embedding({"tied"}, 70, 5), "norm", 1e-5);
  const ValueId once = builder.linear(x, {"tied"}, 70);
  Graph graph = builder.finish(builder.add(once, builder.linear(x, {"tied"}, 70)));
  EXPECT_EQ(pack_linears(graph), 2);
  ASSERT_EQ(graph.weights.size(), 3U);  // the table in rows, the norm, the table in panels
  EXPECT_EQ(shape_of(graph.weights[0]), (Shape{70, 5}));
  EXPECT_EQ(shape_of(graph.weights[2]), (Shape{2, 3, 64, 2}));
  EXPECT_EQ(graph.nodes[2].inputs[1], graph.nodes[3].inputs[1]);
}

TEST(FuseResidual, AddsInTheEpilogue) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId once = builder.add(x, builder.linear(x, {"v"}, 4, "bias"));
  Graph graph = builder.finish(builder.add(builder.linear(once, {"w"}, 4), once));
  pack_linears(graph);
  EXPECT_EQ(fuse_residual(graph), 2);
  EXPECT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%6 fp32 [tokens, 4] = packed_linear(%2, v, %2, bias) {residual}\n"
            "%9 fp32 [tokens, 4] = packed_linear(%6, w, %6) {residual}\n");
}

TEST(FuseResidual, LeavesASumWhoseOtherInputIsMadeLater) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId product = builder.linear(x, {"w"}, 4);
  Graph graph = builder.finish(builder.add(product, builder.rms_norm(x, "norm", 1e-5)));
  pack_linears(graph);
  EXPECT_EQ(fuse_residual(graph), 0);
}

TEST(FuseAddNorm, AddsAndNormsInOneOpThatGivesBoth) {
  GraphBuilder builder({.weights = DType::kBF16, .kv_cache = DType::kBF16});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId product = builder.linear(builder.rms_norm(x, "norm.0", 1e-5), {"w"}, 4);
  const ValueId sum = builder.add(x, product);
  const ValueId normed = builder.rms_norm(sum, "norm.1", 1e-6);
  const ValueId twice = builder.add(sum, builder.linear(normed, {"v"}, 4));
  Graph graph = builder.finish(builder.add(twice, product));
  pack_linears(graph);
  // The product has another reader, so that its matmul cannot add.
  ASSERT_EQ(fuse_residual(graph), 1);
  ASSERT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%4 bf16 [tokens, 4] = rms_norm(%2, norm.0)\n"
            "%6 fp32 [tokens, 4] = packed_linear(%4, w)\n"
            "%7 fp32 [tokens, 4] = add(%2, %6)\n"
            "%9 bf16 [tokens, 4] = rms_norm(%7, norm.1)\n"
            "%12 fp32 [tokens, 4] = packed_linear(%9, v, %7) {residual}\n"
            "%13 fp32 [tokens, 4] = add(%12, %6)\n");
  EXPECT_EQ(fuse_add_norm(graph), 1);
  EXPECT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%4 bf16 [tokens, 4] = rms_norm(%2, norm.0)\n"
            "%6 fp32 [tokens, 4] = packed_linear(%4, w)\n"
            "%7 fp32 [tokens, 4], %9 bf16 [tokens, 4] = add_rms_norm(%2, %6, norm.1)\n"
            "%12 fp32 [tokens, 4] = packed_linear(%9, v, %7) {residual}\n"
            "%13 fp32 [tokens, 4] = add(%12, %6)\n");
  EXPECT_EQ(graph.nodes[3].attributes.epsilon, 1e-6F);
}

TEST(FuseAddNorm, StandsBeforeWhatReadsTheSumAheadOfTheNorm) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(x, x);
  const ValueId gate = builder.silu_mul(sum, x);
  Graph graph = builder.finish(builder.add(gate, builder.rms_norm(sum, "norm", 1e-5)));
  EXPECT_EQ(fuse_add_norm(graph), 1);
  EXPECT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%3 fp32 [tokens, 4], %6 fp32 [tokens, 4] = add_rms_norm(%2, %2, norm)\n"
            "%4 fp32 [tokens, 4] = silu_mul(%3, %2)\n"
            "%7 fp32 [tokens, 4] = add(%4, %6)\n");
}

TEST(FuseAddNorm, LeavesASecondNormOfTheSum) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(x, x);
  const ValueId once = builder.rms_norm(sum, "norm.0", 1e-5);
  Graph graph = builder.finish(builder.silu_mul(once, builder.rms_norm(sum, "norm.1", 1e-5)));
  EXPECT_EQ(fuse_add_norm(graph), 1);
  EXPECT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%3 fp32 [tokens, 4], %5 fp32 [tokens, 4] = add_rms_norm(%2, %2, norm.0)\n"
            "%7 fp32 [tokens, 4] = rms_norm(%3, norm.1)\n"
            "%8 fp32 [tokens, 4] = silu_mul(%5, %7)\n");
}

TEST(FuseAddNorm, KeepsTheSumWhereItIsTheGraphsOutput) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(x, x);
  const ValueId k = builder.linear(builder.rms_norm(sum, "norm", 1e-5), {"k"}, 2);
  builder.attention(sum, k, k, {.head_dim = 2, .kv_heads = 1});
  Graph graph = builder.finish(sum);
  EXPECT_EQ(fuse_add_norm(graph), 1);
  EXPECT_EQ(graph.output, sum);
  EXPECT_EQ(graph.nodes[1].outputs.front(), sum);
  remove_dead(graph);
  EXPECT_EQ(graph.nodes[1].op, OpKind::kAddRmsNorm);
}

TEST(FuseAddNorm, LeavesNormsOfAnythingElse) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(x, x);
  const ValueId of_x = builder.rms_norm(x, "norm.0", 1e-5);
  const ValueId of_rows = builder.rms_norm(builder.take_logit_rows(sum), "norm.1", 1e-5);
  Graph graph = builder.finish(builder.add(of_x, of_rows));
  const std::string before = text(graph);
  EXPECT_EQ(fuse_add_norm(graph), 0);
  EXPECT_EQ(text(graph), before);
}

TEST(FuseAddNorm, LeavesAMatmulThatAddsItself) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(x, builder.linear(x, {"w"}, 4));
  Graph graph = builder.finish(builder.rms_norm(sum, "norm", 1e-5));
  pack_linears(graph);
  ASSERT_EQ(fuse_residual(graph), 1);
  EXPECT_EQ(fuse_add_norm(graph), 0);
}

TEST(FuseAddNorm, LeavesAnAdditionOfDifferentShapes) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId rows = builder.take_logit_rows(x);
  for (const auto& [a, b] : {std::pair{x, rows}, {rows, x}})
    builder.rms_norm(builder.add(a, b), "norm", 1e-5);
  Graph graph = builder.finish(x);
  const std::string before = text(graph);
  EXPECT_EQ(fuse_add_norm(graph), 0);
  EXPECT_EQ(text(graph), before);
}

TEST(RemoveDead, RemovesWhatNothingReadsAndKeepsTheCaches) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId k = builder.linear(x, {"k"}, 2);
  builder.linear(x, {"unread"}, 4);
  builder.attention(x, k, k, {.head_dim = 2, .kv_heads = 1});
  Graph graph = builder.finish(builder.rms_norm(x, "norm", 1e-5));
  EXPECT_EQ(remove_dead(graph), 3);  // a matmul, its weight, the attention
  std::vector<OpKind> ops;
  for (const Node& node : graph.nodes) ops.push_back(node.op);
  EXPECT_EQ(ops,
            (std::vector<OpKind>{OpKind::kEmbedding, OpKind::kLinear, OpKind::kKvWrite, OpKind::kRmsNorm}));
  ASSERT_EQ(graph.weights.size(), 3U);
  EXPECT_EQ(graph.weights[2].sources.front().names.front(), "norm");
  EXPECT_EQ(graph.values[static_cast<size_t>(graph.nodes.back().inputs[1])].index, 2);
}

TEST(TakeAllRows, ReadsTheRowsWhereTheyAre) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  Graph graph = builder.finish(builder.linear(builder.take_logit_rows(x), {"head"}, 10));
  EXPECT_EQ(take_all_rows(graph), 1);
  EXPECT_EQ(text(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%6 fp32 [logit_rows, 10] = linear(%2, head)\n");
}

TEST(RunPasses, ReportsWhatEachOneDid) {
  Graph graph = attention_graph("", "");
  const std::vector<PassReport> reports = run_passes(graph);
  ASSERT_EQ(reports.size(), passes().size());
  for (const PassReport& report : reports) {
    if (report.pass->name != "merge_qkv") continue;
    EXPECT_EQ(report.changes, 1);
    EXPECT_EQ(report.nodes_before, 7U);
    EXPECT_EQ(report.nodes_after, 5U);
  }
}

}  // namespace
}  // namespace caravan
