#include "graph/builder.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace caravan {
namespace {

TEST(GraphBuilder, RecordsNodesInTheOrderOfTheirCalls) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId y = builder.linear(x, {"w"}, 6, "b");
  const Graph graph = builder.finish(builder.add(y, y));
  EXPECT_EQ(to_string(graph),
            "%2 fp32 [tokens, 4] = embedding(token_ids, table)\n"
            "%5 fp32 [tokens, 6] = linear(%2, w, b)\n"
            "%6 fp32 [tokens, 6] = add(%5, %5)\n");
  EXPECT_EQ(graph.output, 6);
}

TEST(GraphBuilder, AsksForEachWeightOnce) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"tied", "other"}, 10, 4);
  const Graph graph = builder.finish(builder.linear(x, {"tied", "other"}, 10));
  ASSERT_EQ(graph.weights.size(), 1U);
  EXPECT_EQ(graph.weights[0].sources, (std::vector<WeightSource>{{{"tied", "other"}, 10}}));
  EXPECT_EQ(shape_of(graph.weights[0]), (Shape{10, 4}));
}

TEST(GraphBuilder, GivesEachAttentionCachesOfItsOwn) {
  GraphBuilder builder({.weights = DType::kF16, .kv_cache = DType::kF16});
  const AttentionSpec spec = {.head_dim = 2, .kv_heads = 1};
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId k = builder.linear(x, {"k"}, 2);
  const ValueId once = builder.attention(x, k, k, spec);
  const Graph graph = builder.finish(builder.attention(once, k, k, spec));
  EXPECT_EQ(graph.num_layers, 2);
  std::vector<std::string> caches;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::kCache) continue;
    caches.push_back(value.name);
    EXPECT_EQ(value.dtype, DType::kF16);
    EXPECT_EQ(to_string(value.shape), "[blocks, 1, block_size, 2]");
  }
  EXPECT_EQ(caches, (std::vector<std::string>{"k_cache.0", "v_cache.0", "k_cache.1", "v_cache.1"}));
}

TEST(GraphBuilder, GivesAnInt8CacheRoomForScalesAndTakesThoseOfTheCheckpoint) {
  GraphBuilder builder({.weights = DType::kBF16, .kv_cache = DType::kI8});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId k = builder.linear(x, {"k"}, 4);
  const AttentionSpec dynamic = {.head_dim = 2, .kv_heads = 2};
  AttentionSpec given = dynamic;
  given.k_scale = "k_scale";
  given.v_scale = "v_scale";
  given.scale_rows = 2;
  const ValueId once = builder.attention(x, k, k, dynamic);
  const Graph graph = builder.finish(builder.attention(once, k, k, given));
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::kCache) continue;
    EXPECT_EQ(value.dtype, DType::kI8);
    EXPECT_EQ(to_string(value.shape), "[blocks, 2, block_size, 6]");
  }
  std::vector<size_t> inputs;
  for (const Node& node : graph.nodes) {
    if (node.op == OpKind::kKvWrite) inputs.push_back(node.inputs.size());
  }
  EXPECT_EQ(inputs, (std::vector<size_t>{7, 9}));
  const WeightSpec& scales = graph.weights.back();
  EXPECT_EQ(scales.sources.front().names, std::vector<std::string>{"v_scale"});
  EXPECT_EQ(shape_of(scales), (Shape{2}));
  EXPECT_EQ(scales.dtype, DType::kF32);
}

TEST(GraphBuilder, RefusesExpertsThatAreQuantisedDifferently) {
  Precision precision;
  precision.quantized["e.0.w"] = {{8, 0, false}, {}, DType::kF32, DType::kF32};
  GraphBuilder builder(precision);
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const Routing routing = builder.route(builder.linear(x, {"router"}, 2), 1, true);
  EXPECT_EQ(
      test::error_of([&] {
        builder.expert_linear(x, {"e.", ".w"}, 6, routing);
      }),
      "\"e.1.w\" is quantised otherwise than \"e.0.w\", expected the experts of a layer to be quantised "
      "alike, with inputs scaled alike");
}

TEST(GraphBuilder, RoundsTheInputsOfBf16MatmulsOnly) {
  for (const DType weights : {DType::kF32, DType::kF16, DType::kBF16}) {
    GraphBuilder builder({.weights = weights, .kv_cache = weights});
    const ValueId x = builder.embedding({"table"}, 10, 4);
    const ValueId normed = builder.rms_norm(x, "norm", 1e-5);
    const Graph graph = builder.finish(builder.silu_mul(normed, normed));
    const DType expected = weights == DType::kBF16 ? DType::kBF16 : DType::kF32;
    EXPECT_EQ(graph.values[static_cast<size_t>(normed)].dtype, expected);
    EXPECT_EQ(graph.values[static_cast<size_t>(graph.output)].dtype, expected);
    EXPECT_EQ(graph.values[static_cast<size_t>(x)].dtype, DType::kF32);
  }
}

TEST(GraphBuilderDeathTest, AbortsOnWidthsThatDoNotFit) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId y = builder.linear(x, {"w"}, 6);
  EXPECT_DEATH(builder.add(x, y), "4 and 6");
  const AttentionSpec scaled = {.head_dim = 2, .kv_heads = 2, .k_scale = "k", .v_scale = "v"};
  EXPECT_DEATH(builder.attention(x, x, x, scaled), "kI8");
}

}  // namespace
}  // namespace caravan
