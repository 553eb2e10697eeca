#include "graph/plan.h"

#include <gtest/gtest.h>

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
  const ValueId y = builder.linear(x, {"v"}, 4);
  const ValueId z = builder.linear(y, {"w"}, 4);
  Graph graph = builder.finish(builder.add(x, z));
  // As the passes leave them: y adds x, which the addition at the end reads again; z adds y, for the last
  // time.
  for (const size_t n : {1U, 2U}) {
    graph.nodes[n].op = OpKind::kPackedLinear;
    graph.nodes[n].attributes.epilogue = Epilogue::kResidual;
    graph.nodes[n].inputs.push_back(n == 1 ? x : y);
  }
  const MemoryPlan plan = plan_of(graph);
  const auto offset = [&plan](ValueId id) { return plan.offsets[static_cast<size_t>(id)]; };
  EXPECT_NE(offset(y), offset(x));
  EXPECT_EQ(offset(z), offset(y));
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
