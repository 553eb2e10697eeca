#include <map>

#include "graph/edit.h"
#include "graph/passes/passes.h"

namespace caravan {

int64_t pack_linears(Graph& graph) {
  std::map<ValueId, ValueId> packed;  // by weight in rows: the same in panels
  int64_t changes = 0;
  for (Node& node : graph.nodes) {
    if (node.op != OpKind::kLinear) continue;
    ValueId& weight = node.inputs[1];
    if (!packed.contains(weight)) {
      WeightSpec spec = weight_of(graph, weight);
      spec.layout = WeightLayout::kPanels;
      const std::string name = graph.values[static_cast<size_t>(weight)].name;
      packed[weight] = add_weight(graph, name, spec);
    }
    weight = packed[weight];
    node.op = OpKind::kPackedLinear;
    ++changes;
  }
  return changes;
}

}  // namespace caravan
