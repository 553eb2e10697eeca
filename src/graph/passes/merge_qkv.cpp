#include <algorithm>

#include "graph/edit.h"
#include "graph/passes/passes.h"
#include "graph/passes/stack.h"

namespace caravan {

namespace {

/// Merges the matmuls before the op at `n`; `dead` marks those that are left over.
bool merge(Graph& graph, const Uses& uses, size_t n, std::vector<bool>& dead) {
  std::vector<size_t> linears;
  for (size_t i = 0; i < 3; ++i) {
    const ValueId part = graph.nodes[n].inputs[i];
    const std::optional<size_t> linear = matmul_of(graph, uses, part);
    if (!linear || !uses.only_reader(part, n)) return false;
    linears.push_back(*linear);
  }
  const std::optional<Node> stacked = stack_linears(graph, linears, WeightLayout::kRows);
  if (!stacked) return false;

  Node merged = *stacked;
  int64_t width = 0;
  for (size_t i = 0; i < 3; ++i)
    width += graph.values[static_cast<size_t>(graph.nodes[n].inputs[i])].shape.back().constant;
  Value value = graph.values[static_cast<size_t>(graph.nodes[n].inputs[0])];
  value.shape.back().constant = width;
  merged.outputs = {add_value(graph, value)};
  for (size_t i = 0; i < 3; ++i) graph.nodes[n].inputs[i] = merged.outputs.front();
  for (const size_t linear : linears) dead[linear] = true;
  const size_t first = *std::min_element(linears.begin(), linears.end());
  graph.nodes[first] = std::move(merged);
  dead[first] = false;
  return true;
}

}  // namespace

int64_t merge_qkv(Graph& graph) {
  const Uses uses(graph);
  std::vector<bool> dead(graph.nodes.size(), false);
  int64_t changes = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op == OpKind::kRopeKvWrite && merge(graph, uses, n, dead)) ++changes;
  }
  remove_nodes(graph, dead);
  return changes;
}

}  // namespace caravan
