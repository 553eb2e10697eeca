#include "graph/edit.h"
#include "graph/passes/passes.h"

namespace caravan {

int64_t fuse_norm_and_quantize(Graph& graph) {
  const Uses uses(graph);
  std::vector<bool> dead(graph.nodes.size(), false);
  int64_t changes = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& quantize = graph.nodes[n];
    if (quantize.op != OpKind::kQuantizeRows) continue;
    const ValueId normed = quantize.inputs.front();
    const std::optional<size_t> norm = uses.producer(normed, OpKind::kRmsNorm);
    if (!norm || !uses.only_reader(normed, n)) continue;
    graph.nodes[*norm].attributes.rows = quantize.attributes.rows;
    graph.nodes[*norm].outputs = quantize.outputs;
    dead[n] = true;
    ++changes;
  }
  remove_nodes(graph, dead);
  return changes;
}

}  // namespace caravan
