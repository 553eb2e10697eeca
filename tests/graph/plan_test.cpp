#include "graph/plan.h"

#include <gtest/gtest.h>

#include <set>

#include "graph/builder.h"

namespace caravan {
namespace {

/// Every value takes 100 bytes, so 128 of the arena.
MemoryPlan plan_of(const Graph& graph) {
  return plan_memory(graph, std::vector<uint64_t>(graph.values.size(), 100));
}

TEST(PlanMemory, GivesAPlaceAnewOnceItsValueIsReadForTheLastTime) {
  GraphBuilder builder({});
  const ValueId a = builder.embedding({"table"}, 10, 4);
  const ValueId b = builder.rms_norm(a, "norm", 1e-5);
  const ValueId c = builder.rms_norm(b, "norm", 1e-5);
  const ValueId d = builder.rms_norm(c, "norm", 1e-5);
  const MemoryPlan plan = plan_of(builder.finish(d));
  const auto offset = [&plan](ValueId id) { return plan.offsets[static_cast<size_t>(id)]; };
  EXPECT_EQ(offset(a), 0);
  EXPECT_EQ(offset(b), 128);
  EXPECT_EQ(offset(c), 0);
  EXPECT_EQ(offset(d), 128);
  EXPECT_EQ(plan.bytes, 256U);
  EXPECT_EQ(plan.unshared_bytes, 4 * 128U);
}

TEST(PlanMemory, KeepsAValueUntilItsLastReaderAndTheOutputToTheEnd) {
  GraphBuilder builder({});
  const ValueId a = builder.embedding({"table"}, 10, 4);
  const ValueId output = builder.rms_norm(a, "norm", 1e-5);
  const ValueId b = builder.rms_norm(a, "norm", 1e-5);
  const ValueId c = builder.add(a, b);
  const MemoryPlan plan = plan_of(builder.finish(output));
  const auto offset = [&plan](ValueId id) { return plan.offsets[static_cast<size_t>(id)]; };
  EXPECT_EQ(offset(a), 0);
  EXPECT_EQ(offset(output), 128);
  EXPECT_EQ(offset(b), 256);
  EXPECT_EQ(offset(c), 384);
}

TEST(PlanMemory, AddsAResidualInItsPlaceWhereNothingReadsItLater) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId y = builder.linear(builder.rms_norm(x, "norm", 1e-5), {"v"}, 4);
  const ValueId z = builder.linear(builder.rms_norm(y, "norm", 1e-5), {"w"}, 4);
  Graph graph = builder.finish(builder.add(x, z));
  // As the passes leave them: y adds x, which the addition at the end reads again; z adds y, for the last
  // time.
  for (const size_t n : {2U, 4U}) {
    graph.nodes[n].op = OpKind::kPackedLinear;
    graph.nodes[n].attributes.epilogue = Epilogue::kResidual;
    graph.nodes[n].inputs.push_back(n == 2 ? x : y);
  }
  const MemoryPlan plan = plan_of(graph);
  const auto offset = [&plan](ValueId id) { return plan.offsets[static_cast<size_t>(id)]; };
  EXPECT_NE(offset(y), offset(x));
  EXPECT_EQ(offset(z), offset(y));
}

TEST(PlanMemory, LeavesAMatmulsInputInItsPlaceWhereItIsTheResidualToo) {
  GraphBuilder builder({});
  const ValueId x = builder.embedding({"table"}, 10, 4);
  const ValueId y = builder.linear(x, {"w"}, 4);
  Graph graph = builder.finish(y);
  graph.nodes[1].op = OpKind::kPackedLinear;
  graph.nodes[1].attributes.epilogue = Epilogue::kResidual;
  graph.nodes[1].inputs.push_back(x);
  const MemoryPlan plan = plan_of(graph);
  EXPECT_NE(plan.offsets[static_cast<size_t>(y)], plan.offsets[static_cast<size_t>(x)]);
}

/// `graph` with the additions and the norms after them as one op, as the passes leave it: an add at the nodes
/// `adds` and an rms_norm right behind each, from the last to the first.
Graph with_add_norms(Graph graph, const std::vector<size_t>& adds) {
  for (const size_t n : adds) {
    const Node& add = graph.nodes[n];
    const Node& norm = graph.nodes[n + 1];
    graph.nodes[n] = {OpKind::kAddRmsNorm,
                      {add.inputs[0], add.inputs[1], norm.inputs[1]},
                      {add.outputs.front(), norm.outputs.front()}};
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(n) + 1);
  }
  return graph;
}

TEST(PlanMemory, GivesEachOutputOfAnOpAPlaceUntilItsOwnLastReader) {
  GraphBuilder builder({});
  const ValueId a = builder.embedding({"table"}, 10, 4);
  const ValueId b = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(a, b);
  const ValueId normed = builder.rms_norm(sum, "norm", 1e-5);
  const ValueId c = builder.silu_mul(normed, a);  // so that only b's place may be taken
  const ValueId d = builder.rms_norm(c, "norm", 1e-5);
  const ValueId e = builder.add(d, sum);
  const MemoryPlan plan = plan_of(with_add_norms(builder.finish(e), {2}));
  const auto offset = [&plan](ValueId id) { return plan.offsets[static_cast<size_t>(id)]; };
  EXPECT_EQ(offset(a), 0);
  EXPECT_EQ(offset(b), 128);
  EXPECT_EQ(offset(sum), offset(b));
  EXPECT_EQ(offset(normed), 256);
  EXPECT_EQ(offset(c), 384);
  EXPECT_EQ(offset(d), 0);
  EXPECT_EQ(offset(e), 256);
  EXPECT_EQ(plan.bytes, 4 * 128U);
  EXPECT_EQ(plan.unshared_bytes, 7 * 128U);
}

TEST(PlanMemory, KeepsWhatASumIsMadeOfWhereItIsReadLater) {
  GraphBuilder builder({});
  const ValueId a = builder.embedding({"table"}, 10, 4);
  const ValueId b = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(a, b);
  const ValueId normed = builder.rms_norm(sum, "norm", 1e-5);
  const ValueId end = builder.silu_mul(normed, builder.silu_mul(a, b));
  const MemoryPlan plan = plan_of(with_add_norms(builder.finish(end), {2}));
  std::set<int64_t> places;
  for (const ValueId id : {a, b, sum, normed}) places.insert(plan.offsets[static_cast<size_t>(id)]);
  EXPECT_EQ(places.size(), 4U);
}

TEST(PlanMemory, KeepsASumThatNothingReadsApartFromTheRowThatIsMadeOfIt) {
  GraphBuilder builder({});
  const ValueId a = builder.embedding({"table"}, 10, 4);
  const ValueId sum = builder.add(a, a);
  const ValueId normed = builder.rms_norm(sum, "norm", 1e-5);
  const MemoryPlan plan = plan_of(with_add_norms(builder.finish(normed), {1}));
  EXPECT_EQ(plan.offsets[static_cast<size_t>(sum)], plan.offsets[static_cast<size_t>(a)]);
  EXPECT_NE(plan.offsets[static_cast<size_t>(normed)], plan.offsets[static_cast<size_t>(sum)]);
}

TEST(PlanMemory, HasNoPlaceForInputsAndWeights) {
  GraphBuilder builder({});
  const Graph graph = builder.finish(builder.embedding({"table"}, 10, 4));
  const MemoryPlan plan = plan_of(graph);
  for (size_t id = 0; id < graph.values.size(); ++id)
    EXPECT_EQ(plan.offsets[id] >= 0, graph.values[id].kind == ValueKind::kIntermediate);
}

}  // namespace
}  // namespace caravan
