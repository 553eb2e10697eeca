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

}  // namespace
}  // namespace caravan
