#include "graph/edit.h"
#include "graph/passes/passes.h"

namespace caravan {

int64_t take_all_rows(Graph& graph) {
  std::vector<bool> dead(graph.nodes.size(), false);
  int64_t changes = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node node = graph.nodes[n];
    if (!takes_logit_rows(graph, node)) continue;
    replace_reads(graph, node.outputs.front(), node.inputs[0]);
    dead[n] = true;
    ++changes;
  }
  remove_nodes(graph, dead);
  return changes;
}

}  // namespace caravan
