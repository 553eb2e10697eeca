#include <algorithm>

#include "graph/edit.h"
#include "graph/passes/passes.h"

namespace caravan {

namespace {

bool writes_caches(OpKind op) { return op == OpKind::kKvWrite || op == OpKind::kRopeKvWrite; }

/// Removes the weights that no node reads, and numbers the others anew.
int64_t remove_weights(Graph& graph) {
  const Uses uses(graph);
  std::vector<WeightSpec> kept;
  const auto before = static_cast<int64_t>(graph.weights.size());
  for (size_t id = 0; id < graph.values.size(); ++id) {
    Value& value = graph.values[id];
    if (value.kind != ValueKind::kWeight) continue;
    if (uses.readers(static_cast<ValueId>(id)).empty()) {
      // Values keep their numbers, so this one stays as an intermediate that nothing makes or reads.
      value.kind = ValueKind::kIntermediate;
      continue;
    }
    kept.push_back(graph.weights[static_cast<size_t>(value.index)]);
    value.index = static_cast<int32_t>(kept.size() - 1);
  }
  graph.weights = std::move(kept);
  return before - static_cast<int64_t>(graph.weights.size());
}

}  // namespace

int64_t remove_dead(Graph& graph) {
  std::vector<bool> live_values(graph.values.size(), false);
  live_values.at(static_cast<size_t>(graph.output)) = true;
  std::vector<bool> dead(graph.nodes.size(), false);
  int64_t removed = 0;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    const bool is_read = std::any_of(node.outputs.begin(), node.outputs.end(),
                                     [&](ValueId id) { return live_values[static_cast<size_t>(id)]; });
    if (!is_read && !writes_caches(node.op)) {
      dead[n] = true;
      ++removed;
      continue;
    }
    for (const ValueId input : node.inputs) live_values[static_cast<size_t>(input)] = true;
  }
  remove_nodes(graph, dead);
  return removed + remove_weights(graph);
}

}  // namespace caravan
