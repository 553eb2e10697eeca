#include "execute/tuning/autotune.h"

#include <gtest/gtest.h>

#include "graph/builder.h"
#include "kernels/select.h"
#include "tensor/buffer.h"

namespace caravan {
namespace {

TEST(RangeOf, CoversEveryNumberOfTokens) {
  EXPECT_EQ(range_of(1), 0U);
  EXPECT_EQ(range_of(4), 0U);
  EXPECT_EQ(range_of(5), 1U);
  EXPECT_EQ(range_of(16), 1U);
  EXPECT_EQ(range_of(17), 2U);
  EXPECT_EQ(range_of(1'000'000'000), 3U);
}

/// Two matmuls of one shape and one of another, their weights in panels.
Graph packed_graph() {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 8);
  const ValueId y = builder.linear(builder.linear(x, {"v"}, 8), {"w"}, 8);
  Graph graph = builder.finish(builder.linear(y, {"head"}, 100));
  for (Node& node : graph.nodes) {
    if (node.op != OpKind::kLinear) continue;
    node.op = OpKind::kPackedLinear;
    Value& weight = graph.values[static_cast<size_t>(node.inputs[1])];
    graph.weights[static_cast<size_t>(weight.index)].layout = WeightLayout::kPanels;
    const Shape shape = shape_of(graph.weights[static_cast<size_t>(weight.index)]);
    weight.shape.clear();
    for (size_t axis = 0; axis < shape.rank(); ++axis) weight.shape.push_back({Symbol::kNone, shape[axis]});
  }
  return graph;
}

TEST(Autotune, MeasuresEachShapeInEachRangeOnce) {
  const Graph graph = packed_graph();
  std::vector<Tensor> tensors;
  std::vector<ConstTensorView> weights;
  for (const WeightSpec& spec : graph.weights) {
    tensors.emplace_back(spec.dtype, shape_of(spec));
    weights.push_back(tensors.back().view());
  }
  const KernelTable kernels = select_kernels(choose_level(nullptr, cpu_features()));
  ThreadTeam team(2);
  TileTable table;
  std::vector<size_t> told;
  const auto progress = [&told](size_t done, size_t all) {
    EXPECT_EQ(all, 2 * kTokenRanges.size());
    told.push_back(done);
  };
  EXPECT_EQ(autotune({graph, weights, kernels, team}, table, progress), 2 * kTokenRanges.size());
  EXPECT_EQ(told, (std::vector<size_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  for (const TileKey& key : keys_of(graph)) EXPECT_TRUE(table.contains(key));
  const TileTable before = table;
  EXPECT_EQ(autotune({graph, weights, kernels, team}, table, progress), 0U);
  EXPECT_EQ(table, before);
}

TEST(Autotune, MeasuresQuantisedMatmulsByTheirFormats) {
  const QuantizedFormat bytes = {{8, 0, false}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8};
  const QuantizedFormat eights = {{8, 0, false}, {}, DType::kF32, DType::kBF16};
  const QuantizedFormat fours = {{4, 8, true}, {}, DType::kF16, DType::kBF16};
  GraphBuilder builder({DType::kBF16, DType::kBF16, {{"a", bytes}, {"b", eights}, {"c", fours}}});
  ValueId x = builder.embedding({"table"}, 10, 64);
  for (const char* name : {"a", "b", "c"}) x = builder.linear(x, {name}, 64);
  const Graph graph = builder.finish(x);
  std::vector<Tensor> tensors;
  std::vector<ConstTensorView> weights;
  for (const WeightSpec& spec : graph.weights) {
    tensors.emplace_back(spec.dtype, shape_of(spec));
    weights.push_back(tensors.back().view());
  }
  const KernelTable kernels = select_kernels(choose_level(nullptr, cpu_features()));
  ThreadTeam team(2);
  TileTable table;
  EXPECT_EQ(autotune({graph, weights, kernels, team}, table, [](size_t, size_t) {}), 3 * kTokenRanges.size());
  // What a step asks for is what was measured.
  for (const Node& node : graph.nodes) {
    if (node.op != OpKind::kPackedLinear) continue;
    const QuantizedFormat& format = node.attributes.format;
    PackedLinearArgs args;
    args.in = 64;
    args.format = format;
    const Tensor input(DType::kU8, {3, quantized_row_bytes(64)});
    args.x = input.view();
    args.weight = {nullptr, blob_dtype(format), quantized_shape(64, 64, format)};
    EXPECT_TRUE(table.contains(tile_key(args)));
  }
}

}  // namespace
}  // namespace caravan
