#include "execute/program.h"

#include <algorithm>

#include "base/error.h"
#include "execute/barriers.h"

namespace caravan {

std::vector<uint64_t> bytes_of_values(const Graph& graph, const SymbolSizes& sizes) {
  std::vector<uint64_t> bytes;
  for (const Value& value : graph.values)
    bytes.push_back(static_cast<uint64_t>(sizes.resolve(value.shape).elements()) * size_of(value.dtype));
  return bytes;
}

Program::Program(const Graph& graph, const StepTensors& step, const MemoryPlan& plan,
                 const ProgramMemory& memory, const TileTable& tiles)
    : tickets_(std::make_unique<Tickets[]>(graph.nodes.size())) {
  CARAVAN_CHECK(plan.bytes <= memory.arena.size());
  const SymbolSizes sizes(step);
  std::vector<TensorView> views = given_views(graph, step);
  for (const Node& node : graph.nodes) {
    for (const ValueId output : node.outputs) {
      const auto id = static_cast<size_t>(output);
      const Value& value = graph.values[id];
      views[id] = {memory.arena.data() + plan.offsets[id], value.dtype, sizes.resolve(value.shape)};
    }
  }
  BarrierPlacer barriers;
  for (const Node& node : graph.nodes) {
    calls_.push_back({bind(node, views), barriers.must_wait(graph, node, views)});
    if (auto* attention = std::get_if<AttentionArgs>(&calls_.back().args))
      attention->scratch = memory.attention_scratch;
    if (auto* matmul = std::get_if<PackedLinearArgs>(&calls_.back().args)) {
      const auto found = tiles.find(tile_key(*matmul));
      if (found != tiles.end()) matmul->tiles = found->second;
    }
    check(calls_.back().args);
  }
  output_ = views[static_cast<size_t>(graph.output)];
}

size_t Program::barriers() const {
  return static_cast<size_t>(
      std::count_if(calls_.begin(), calls_.end(), [](const Call& call) { return call.waits; }));
}

void Program::run(const KernelTable& kernels, ThreadTeam& team, StepBarrier& barrier) {
  for (size_t i = 0; i < calls_.size(); ++i) tickets_[i].taken.store(0, std::memory_order_relaxed);
  team.run([&](Lane lane) {
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (calls_[i].waits) barrier.wait();
      run_lane(calls_[i].args, kernels, {lane.index, lane.count, &tickets_[i].taken});
    }
  });
}

}  // namespace caravan
