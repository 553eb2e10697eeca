#include "graph/edit.h"
#include "graph/passes/passes.h"
#include "graph/passes/stack.h"

namespace caravan {

namespace {

/// Makes the silu_mul at `n` the epilogue of one matmul; `dead` marks those that made its inputs.
bool fuse(Graph& graph, const Uses& uses, size_t n, std::vector<bool>& dead) {
  const ValueId gate = graph.nodes[n].inputs[0];
  const ValueId up = graph.nodes[n].inputs[1];
  const std::optional<size_t> gate_linear = matmul_of(graph, uses, gate);
  const std::optional<size_t> up_linear = matmul_of(graph, uses, up);
  if (!gate_linear || !up_linear || !uses.only_reader(gate, n) || !uses.only_reader(up, n)) return false;
  const std::optional<Node> stacked =
      stack_linears(graph, {*gate_linear, *up_linear}, WeightLayout::kInterleavedPanels);
  if (!stacked) return false;
  Node fused = *stacked;
  if (fused.op == OpKind::kLinear) fused.op = OpKind::kPackedLinear;
  fused.outputs = graph.nodes[n].outputs;
  fused.attributes.epilogue = Epilogue::kSiluMul;
  graph.nodes[n] = std::move(fused);
  dead[*gate_linear] = true;
  dead[*up_linear] = true;
  return true;
}

}  // namespace

int64_t fuse_swiglu(Graph& graph) {
  const Uses uses(graph);
  std::vector<bool> dead(graph.nodes.size(), false);
  int64_t changes = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op == OpKind::kSiluMul && fuse(graph, uses, n, dead)) ++changes;
  }
  remove_nodes(graph, dead);
  return changes;
}

}  // namespace caravan
