// Mixtures of experts on their way through the passes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/builder.h"
#include "graph/passes/passes.h"

namespace caravan {
namespace {

using testing::HasSubstr;

constexpr QuantizedFormat kW8A8 = {{}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8};

/// A mixture of three experts, two for each token, of hidden size 4, after an embedding; then the head.
Graph mixture(const Precision& precision) {
  GraphBuilder builder(precision);
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId normed = builder.rms_norm(x, "norm", 1e-5);
  const Routing routing = builder.route(builder.linear(normed, {"router"}, 3), 2, true);
  const ValueId gate = builder.expert_linear(normed, {"m.e.", ".gate.weight"}, 6, routing);
  const ValueId up = builder.expert_linear(normed, {"m.e.", ".up.weight"}, 6, routing);
  const ValueId down =
      builder.grouped_linear(builder.silu_mul(gate, up), {"m.e.", ".down.weight"}, 4, routing);
  const ValueId sum = builder.combine_experts(x, down, routing);
  return builder.finish(builder.linear(builder.take_logit_rows(sum), {"head"}, 10));
}

/// Every matrix of an expert quantised so.
Precision quantized(const QuantizedFormat& format) {
  Precision precision = {.weights = DType::kBF16, .kv_cache = DType::kBF16, .quantized = {}};
  for (const char* name : {".gate.weight", ".up.weight", ".down.weight"})
    for (const char* expert : {"m.e.0", "m.e.1", "m.e.2"})
      precision.quantized[std::string(expert) + name] = format;
  return precision;
}

TEST(RecordExperts, GroupsRowsByExpertOnceForAllThatReadThem) {
  EXPECT_EQ(to_string(mixture({})),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%4 fp32 [tokens, 4] = rms_norm(%2, norm)\n"
            "%6 fp32 [tokens, 3] = linear(%4, router)\n"
            "%7 int32 [tokens, 2], %8 fp32 [tokens, 2] = route_experts(%6, sequences)\n"
            "%10 int32 [4], %11 int32 [2 tokens], %12 int32 [tokens, 2] = group_rows(%7)\n"
            "%13 fp32 [2 tokens, 4] = take_rows(%4, %11)\n"
            "%15 fp32 [2 tokens, 6] = grouped_linear(%13, m.e.*.gate.weight, %10)\n"
            "%17 fp32 [2 tokens, 6] = grouped_linear(%13, m.e.*.up.weight, %10)\n"
            "%18 fp32 [2 tokens, 6] = silu_mul(%15, %17)\n"
            "%20 fp32 [2 tokens, 4] = grouped_linear(%18, m.e.*.down.weight, %10)\n"
            "%21 fp32 [tokens, 4] = combine_experts(%2, %20, %8, %12)\n"
            "%23 fp32 [logit_rows, 4] = take_rows(%21, logit_rows)\n"
            "%25 fp32 [logit_rows, 10] = linear(%23, head)\n");
}

TEST(RecordExperts, QuantisesATokensRowBeforeItGoesToItsExperts) {
  const std::string text = to_string(mixture(quantized(kW8A8)));
  EXPECT_THAT(text, HasSubstr("uint8 [tokens, 128] = quantize_rows("));
  EXPECT_THAT(text, HasSubstr("uint8 [2 tokens, 128] = take_rows("));
  EXPECT_THAT(text, HasSubstr("uint8 [2 tokens, 128] = quantize_rows("));
}

TEST(FuseSwiglu, InterleavesEachExpertsGateAndUp) {
  for (const Precision& precision : {Precision{}, quantized(kW8A8)}) {
    Graph graph = mixture(precision);
    EXPECT_EQ(fuse_swiglu(graph), 1);
    EXPECT_THAT(to_string(graph), HasSubstr("m.e.*.gate+up.weight, %10) {silu_mul}"));
    const auto fused = std::find_if(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
      return node.attributes.epilogue == Epilogue::kSiluMul;
    });
    ASSERT_NE(fused, graph.nodes.end());
    EXPECT_EQ(fused->op, OpKind::kGroupedLinear);
    const Value& weight = graph.values[static_cast<size_t>(fused->inputs[1])];
    const WeightSpec& spec = graph.weights[static_cast<size_t>(weight.index)];
    EXPECT_EQ(spec.layout, WeightLayout::kInterleavedPanels);
    std::vector<std::string> names;
    for (const WeightSource& source : spec.sources) names.push_back(source.names.front());
    EXPECT_EQ(names, (std::vector<std::string>{"m.e.0.gate.weight", "m.e.0.up.weight", "m.e.1.gate.weight",
                                               "m.e.1.up.weight", "m.e.2.gate.weight", "m.e.2.up.weight"}));
    // One panel for each expert.
    EXPECT_EQ(shape_of(spec)[0], 3);
  }
}

TEST(TakeRowsEarly, LetsExpertsComputeTheWantedRowsOnly) {
  Graph graph = mixture({});
  EXPECT_GT(take_rows_early(graph), 0);
  const std::string text = to_string(graph);
  EXPECT_THAT(text, HasSubstr("int32 [logit_rows] = take_rows(sequences, logit_rows)"));
  EXPECT_THAT(text, HasSubstr("int32 [2 logit_rows], "));
  EXPECT_THAT(text, HasSubstr("fp32 [2 logit_rows, 4] = take_rows("));
  EXPECT_THAT(text, HasSubstr("fp32 [2 logit_rows, 4] = grouped_linear("));
  EXPECT_THAT(text, HasSubstr("fp32 [logit_rows, 4] = combine_experts("));
  // Of the tokens there is the embedding alone.
  EXPECT_EQ(text.find("tokens", text.find("[tokens") + 2), std::string::npos) << text;
}

TEST(TakeAllRows, LeavesTheRowsOfExperts) {
  Graph graph = mixture({});
  take_rows_early(graph);
  EXPECT_EQ(take_all_rows(graph), 2);
  const std::string text = to_string(graph);
  EXPECT_THAT(text, HasSubstr("route_experts(%6, sequences)"));
  EXPECT_THAT(text, HasSubstr("fp32 [2 logit_rows, 4] = take_rows("));
}

}  // namespace
}  // namespace caravan
