#include "execute/barriers.h"

#include <gtest/gtest.h>

#include "graph/builder.h"
#include "tensor/buffer.h"

namespace caravan {
namespace {

/// Where each node of `graph` waits, each value in memory of its own but for those that `same` puts in one
/// place.
std::vector<bool> waits_of(const Graph& graph, std::pair<ValueId, ValueId> same = {-1, -1}) {
  std::vector<Tensor> tensors;
  std::vector<TensorView> views;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    tensors.emplace_back(DType::kF32, Shape{16});
    views.push_back(tensors.back().view());
  }
  if (same.first >= 0) views[static_cast<size_t>(same.second)] = views[static_cast<size_t>(same.first)];
  BarrierPlacer barriers;
  std::vector<bool> waits;
  for (const Node& node : graph.nodes) waits.push_back(barriers.must_wait(graph, node, views));
  return waits;
}

TEST(BarrierPlacer, WaitsForWhatANodeReads) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId y = builder.rms_norm(x, "norm", 1e-5);
  const ValueId z = builder.rms_norm(x, "norm", 1e-5);
  const Graph graph = builder.finish(builder.add(y, z));
  EXPECT_EQ(waits_of(graph), (std::vector<bool>{false, true, false, true}));
}

TEST(BarrierPlacer, LetsNodesRunTogetherThatShareInputsOnly) {
  GraphBuilder builder({});
  builder.rope_angles(4, 1.0);
  const Graph graph = builder.finish(builder.embedding({"table"}, 10, 4));
  EXPECT_EQ(waits_of(graph), (std::vector<bool>{false, false}));
}

TEST(BarrierPlacer, WaitsBeforeItOverwritesWhatIsStillRead) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  builder.rms_norm(x, "norm", 1e-5);
  const ValueId z = builder.embedding({"table"}, 10, 4);
  const Graph graph = builder.finish(z);
  EXPECT_EQ(waits_of(graph), (std::vector<bool>{false, true, false}));
  EXPECT_EQ(waits_of(graph, {x, z}), (std::vector<bool>{false, true, true}));
}

TEST(BarrierPlacer, WaitsForEachOutputOfANode) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(x, x);
  const ValueId normed = builder.rms_norm(sum, "norm", 1e-5);
  for (const ValueId read : {sum, normed}) {
    GraphBuilder copy = builder;
    copy.silu_mul(read, read);
    Graph graph = copy.finish(read);
    graph.nodes[1].op = OpKind::kAddRmsNorm;
    graph.nodes[1].inputs.push_back(graph.nodes[2].inputs[1]);
    graph.nodes[1].outputs.push_back(normed);
    graph.nodes.erase(graph.nodes.begin() + 2);
    EXPECT_EQ(waits_of(graph), (std::vector<bool>{false, true, true})) << read;
  }
}

TEST(BarrierPlacer, LetsAttentionWaitForItsCaches) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId k = builder.linear(x, {"k"}, 2);
  const Graph graph = builder.finish(builder.attention(x, k, k, {.head_dim = 2, .kv_heads = 1}));
  EXPECT_EQ(waits_of(graph), (std::vector<bool>{false, true, true, true}));
}

}  // namespace
}  // namespace caravan
