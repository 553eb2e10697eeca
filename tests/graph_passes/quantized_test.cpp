// Recording and rewriting models whose matrices are quantised.
#include <gtest/gtest.h>

#include <algorithm>

#include "graph/builder.h"
#include "graph/passes/passes.h"

namespace caravan {
namespace {

constexpr QuantizedFormat kW8A8 = {{}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8};
constexpr QuantizedFormat kW4A16 = {{4, 2, false}, {}, DType::kBF16, DType::kBF16};

/// A builder in bf16 to which the matrices `names` are of `format`.
GraphBuilder builder_with(const std::vector<std::string>& names, const QuantizedFormat& format) {
  Precision precision = {.weights = DType::kBF16, .kv_cache = DType::kBF16, .quantized = {}};
  for (const std::string& name : names) precision.quantized[name] = format;
  return GraphBuilder(precision);
}

/// An attention block and an MLP of hidden size 4.
Graph layer(const QuantizedFormat& format) {
  GraphBuilder builder =
      builder_with({"q.weight", "k.weight", "v.weight", "gate.weight", "up.weight"}, format);
  const ValueId angles = builder.rope_angles(2, 1.0);
  const ValueId x = builder.rms_norm(builder.embedding({"table"}, 10, 4), "norm", 1e-5);
  const ValueId q = builder.rope(builder.linear(x, {"q.weight"}, 4), angles);
  const ValueId k = builder.rope(builder.linear(x, {"k.weight"}, 2), angles);
  const ValueId v = builder.linear(x, {"v.weight"}, 2);
  const ValueId mixed = builder.attention(q, k, v, {.head_dim = 2, .kv_heads = 1});
  const ValueId gate = builder.linear(mixed, {"gate.weight"}, 8);
  return builder.finish(builder.silu_mul(gate, builder.linear(mixed, {"up.weight"}, 8)));
}

std::vector<OpKind> ops_of(const Graph& graph) {
  std::vector<OpKind> ops;
  for (const Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}

TEST(RecordQuantized, QuantisesAnInputOnceForAllThatReadIt) {
  const Graph graph = layer(kW8A8);
  const std::vector<OpKind> ops = ops_of(graph);
  EXPECT_EQ(std::count(ops.begin(), ops.end(), OpKind::kQuantizeRows), 2);
  EXPECT_EQ(std::count(ops.begin(), ops.end(), OpKind::kPackedLinear), 5);
  EXPECT_EQ(std::count(ops.begin(), ops.end(), OpKind::kLinear), 0);
}

TEST(RecordQuantized, LeavesWhatIsQuantisedInFp32) {
  const Graph graph = layer(kW8A8);
  for (const Node& node : graph.nodes) {
    if (node.op != OpKind::kRmsNorm && node.op != OpKind::kAttention) continue;
    EXPECT_EQ(graph.values[static_cast<size_t>(node.outputs.front())].dtype, DType::kF32) << name_of(node.op);
  }
}

TEST(RecordQuantized, RoundsTheInputOfAWeightOnlyMatmulAsOfAnyOther) {
  const Graph graph = layer(kW4A16);
  for (const Node& node : graph.nodes) {
    ASSERT_NE(node.op, OpKind::kQuantizeRows);
    if (node.op != OpKind::kRmsNorm) continue;
    EXPECT_EQ(graph.values[static_cast<size_t>(node.outputs.front())].dtype, DType::kBF16);
  }
}

TEST(RecordQuantized, GivesATiedHeadAWeightOfItsOwn) {
  GraphBuilder builder = builder_with({"table"}, kW8A8);
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const Graph graph = builder.finish(builder.linear(x, {"table"}, 10));
  ASSERT_EQ(graph.weights.size(), 2U);
  EXPECT_FALSE(graph.weights[0].format.has_value());
  EXPECT_EQ(graph.weights[1].format, kW8A8);
  EXPECT_EQ(shape_of(graph.weights[1]), quantized_shape(10, 4, kW8A8));
}

TEST(PassesOnQuantized, MergeAndFuseAsForOtherMatmuls) {
  for (const QuantizedFormat& format : {kW8A8, kW4A16}) {
    Graph graph = layer(format);
    run_passes(graph);
    const std::vector<OpKind> expected =
        format == kW8A8 ? std::vector<OpKind>{OpKind::kRopeAngles,   OpKind::kEmbedding,   OpKind::kRmsNorm,
                                              OpKind::kPackedLinear, OpKind::kRopeKvWrite, OpKind::kAttention,
                                              OpKind::kQuantizeRows, OpKind::kPackedLinear}
                        : std::vector<OpKind>{OpKind::kRopeAngles,   OpKind::kEmbedding,   OpKind::kRmsNorm,
                                              OpKind::kPackedLinear, OpKind::kRopeKvWrite, OpKind::kAttention,
                                              OpKind::kPackedLinear};
    EXPECT_EQ(ops_of(graph), expected) << to_string(graph);
    const Node& swiglu = graph.nodes.back();
    EXPECT_EQ(swiglu.attributes.epilogue, Epilogue::kSiluMul);
    EXPECT_EQ(swiglu.attributes.format, format);
    EXPECT_EQ(swiglu.attributes.in, 4);
    const Value& weight = graph.values[static_cast<size_t>(swiglu.inputs[1])];
    const WeightSpec& spec = graph.weights[static_cast<size_t>(weight.index)];
    EXPECT_EQ(spec.layout, WeightLayout::kInterleavedPanels);
    EXPECT_EQ(shape_of(spec), quantized_shape(kPanelOutputs, 4, format));
  }
}

/// The format of the one matmul that gate and up become, which keep so many values of each output.
QuantizedFormat fused_format(int64_t gate_kept, int64_t up_kept) {
  Precision precision = {.weights = DType::kBF16, .kv_cache = DType::kBF16, .quantized = {}};
  precision.quantized["gate"] = precision.quantized["up"] = kW8A8;
  precision.quantized["gate"].row_kept = gate_kept;
  precision.quantized["up"].row_kept = up_kept;
  GraphBuilder builder(precision);
  const ValueId x = builder.embedding({"table"}, 10, 64);
  const ValueId gate = builder.linear(x, {"gate"}, 8);
  Graph graph = builder.finish(builder.silu_mul(gate, builder.linear(x, {"up"}, 8)));
  EXPECT_EQ(fuse_swiglu(graph), 1);
  const Node& fused = graph.nodes.back();
  const Value& weight = graph.values[static_cast<size_t>(fused.inputs[1])];
  EXPECT_EQ(graph.weights[static_cast<size_t>(weight.index)].format, fused.attributes.format);
  return fused.attributes.format;
}

TEST(PassesOnQuantized, MakeRoomForTheFullerOfTwoSparseMatrices) {
  EXPECT_EQ(fused_format(30, 32).row_kept, 32);
  EXPECT_EQ(fused_format(32, 30).row_kept, 32);
  EXPECT_EQ(fused_format(32, 0).row_kept, 0) << "what only one of them has sparse keeps its zeros";
}

TEST(PassesOnQuantized, LeaveMatmulsOfDifferentSchemesApart) {
  Precision precision = {.weights = DType::kBF16, .kv_cache = DType::kBF16, .quantized = {}};
  precision.quantized["gate"] = kW8A8;
  GraphBuilder builder(precision);
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId gate = builder.linear(x, {"gate"}, 8);
  Graph graph = builder.finish(builder.silu_mul(gate, builder.linear(x, {"up"}, 8)));
  EXPECT_EQ(fuse_swiglu(graph), 0);
}

/// As llama.cpp's Q4_K_M mixes them: v, and where gate and up differ, one of them, in Q6_K.
TEST(PassesOnQuantized, LeaveWhatDiffersInALayerApart) {
  const QuantizedFormat four = {{4, 32, false, true, 64}, {}, DType::kF16, DType::kBF16};
  const QuantizedFormat six = {{8, 16, false, false, 64}, {}, DType::kF16, DType::kBF16};
  Precision precision = {.weights = DType::kBF16, .kv_cache = DType::kBF16, .quantized = {}};
  for (const char* name : {"q", "k", "gate"}) precision.quantized[name] = four;
  for (const char* name : {"v", "up"}) precision.quantized[name] = six;
  GraphBuilder builder(precision);
  const ValueId angles = builder.rope_angles(2, 1.0);
  const ValueId x = builder.rms_norm(builder.embedding({"table"}, 10, 64), "norm", 1e-5);
  const ValueId q = builder.rope(builder.linear(x, {"q"}, 64), angles);
  const ValueId k = builder.rope(builder.linear(x, {"k"}, 2), angles);
  const ValueId mixed = builder.attention(q, k, builder.linear(x, {"v"}, 2), {.head_dim = 2, .kv_heads = 1});
  const ValueId gate = builder.linear(mixed, {"gate"}, 8);
  Graph graph = builder.finish(builder.silu_mul(gate, builder.linear(mixed, {"up"}, 8)));
  run_passes(graph);
  EXPECT_EQ(ops_of(graph),
            (std::vector<OpKind>{OpKind::kRopeAngles, OpKind::kEmbedding, OpKind::kRmsNorm,
                                 OpKind::kPackedLinear, OpKind::kPackedLinear, OpKind::kPackedLinear,
                                 OpKind::kRopeKvWrite, OpKind::kAttention, OpKind::kPackedLinear,
                                 OpKind::kPackedLinear, OpKind::kSiluMul}))
      << to_string(graph);
  for (const WeightSpec& spec : graph.weights) {
    if (!spec.format) continue;
    EXPECT_EQ(*spec.format, precision.quantized.at(spec.sources.front().names.front()));
  }
}

TEST(FuseNormAndQuantize, MakesTheNormGiveQuantisedRows) {
  GraphBuilder builder = builder_with({"w"}, kW8A8);
  const ValueId x = builder.rms_norm(builder.embedding({"table"}, 10, 4), "norm", 1e-5);
  Graph graph = builder.finish(builder.linear(x, {"w"}, 3));
  EXPECT_EQ(fuse_norm_and_quantize(graph), 1);
  ASSERT_EQ(ops_of(graph),
            (std::vector<OpKind>{OpKind::kEmbedding, OpKind::kRmsNorm, OpKind::kPackedLinear}));
  const Node& norm = graph.nodes[1];
  EXPECT_EQ(norm.attributes.rows, kW8A8.rows);
  EXPECT_EQ(graph.values[static_cast<size_t>(norm.outputs.front())].dtype, DType::kU8);
  EXPECT_EQ(graph.nodes[2].inputs[0], norm.outputs.front());
}

TEST(FuseNormAndQuantize, LeavesANormThatOthersReadToo) {
  GraphBuilder builder = builder_with({"w"}, kW8A8);
  const ValueId x = builder.rms_norm(builder.embedding({"table"}, 10, 4), "norm", 1e-5);
  const ValueId y = builder.linear(x, {"w"}, 4);
  Graph graph = builder.finish(builder.linear(x, {"other"}, 4));
  static_cast<void>(y);
  EXPECT_EQ(fuse_norm_and_quantize(graph), 0);
}

}  // namespace
}  // namespace caravan
