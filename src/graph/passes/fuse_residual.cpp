#include "graph/edit.h"
#include "graph/passes/passes.h"

namespace caravan {

namespace {

/// Makes the addition at `n` the epilogue of the matmul that makes its input number `place`, and the other
/// input the matmul's residual; `dead` marks the addition.
bool fuse(Graph& graph, const Uses& uses, size_t n, size_t place, std::vector<bool>& dead) {
  const ValueId sum = graph.nodes[n].inputs[place];
  const ValueId residual = graph.nodes[n].inputs[1 - place];
  const std::optional<size_t> linear = uses.producer(sum, OpKind::kPackedLinear);
  if (!linear || !uses.only_reader(sum, n)) return false;
  Node& matmul = graph.nodes[*linear];
  if (matmul.attributes.epilogue != Epilogue::kNone) return false;
  const std::optional<size_t> maker = uses.producer(residual);
  if (maker && *maker > *linear) return false;
  matmul.attributes.epilogue = Epilogue::kResidual;
  matmul.inputs.insert(matmul.inputs.begin() + 2, residual);
  matmul.outputs = graph.nodes[n].outputs;
  graph.nodes[n] = {};
  dead[n] = true;
  return true;
}

}  // namespace

int64_t fuse_residual(Graph& graph) {
  std::vector<bool> dead(graph.nodes.size(), false);
  int64_t changes = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op != OpKind::kAdd) continue;
    // Made anew: what was an addition's output is now a matmul's.
    const Uses uses(graph);
    if (fuse(graph, uses, n, 1, dead) || fuse(graph, uses, n, 0, dead)) ++changes;
  }
  remove_nodes(graph, dead);
  return changes;
}

}  // namespace caravan
