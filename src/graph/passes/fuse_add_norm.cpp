#include "graph/edit.h"
#include "graph/passes/passes.h"

namespace caravan {

namespace {

const SymbolicShape& shape_of(const Graph& graph, ValueId value) {
  return graph.values[static_cast<size_t>(value)].shape;
}

/// Makes the addition whose sum the rms_norm at `n` reads one op with it, where the addition stands, so that
/// whatever reads the sum comes after it still; `dead` marks the rms_norm.
bool fuse(Graph& graph, const Uses& uses, size_t n, std::vector<bool>& dead) {
  const Node& norm = graph.nodes[n];
  const ValueId sum = norm.inputs[0];
  const std::optional<size_t> addition = uses.producer(sum, OpKind::kAdd);
  if (!addition) return false;
  Node& add = graph.nodes[*addition];
  for (const ValueId other : {add.inputs[0], add.inputs[1], norm.outputs.front()})
    if (shape_of(graph, other) != shape_of(graph, sum)) return false;
  add = {OpKind::kAddRmsNorm,
         {add.inputs[0], add.inputs[1], norm.inputs[1]},
         {sum, norm.outputs.front()},
         norm.attributes};
  dead[n] = true;
  return true;
}

}  // namespace

int64_t fuse_add_norm(Graph& graph) {
  const Uses uses(graph);
  std::vector<bool> dead(graph.nodes.size(), false);
  int64_t changes = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op == OpKind::kRmsNorm && fuse(graph, uses, n, dead)) ++changes;
  }
  remove_nodes(graph, dead);
  return changes;
}

}  // namespace caravan
