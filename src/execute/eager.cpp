#include "execute/eager.h"

#include <vector>

#include "base/error.h"
#include "execute/bound_op.h"

namespace caravan {

namespace {

/// For each value, the index of the last node that reads it; -1 for none.
std::vector<int> last_readers(const Graph& graph) {
  std::vector<int> last(graph.values.size(), -1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].inputs) last[static_cast<size_t>(id)] = static_cast<int>(n);
  }
  return last;
}

}  // namespace

Tensor run_eager(const Graph& graph, const StepTensors& step, const KernelTable& kernels, ThreadTeam& team) {
  const SymbolSizes sizes(step);
  const std::vector<int> last = last_readers(graph);
  std::vector<TensorView> views = given_views(graph, step);
  std::vector<Tensor> buffers(graph.values.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (const ValueId output : node.outputs) {
      const auto id = static_cast<size_t>(output);
      buffers[id] = Tensor(graph.values[id].dtype, sizes.resolve(graph.values[id].shape));
      views[id] = buffers[id].view();
    }
    const OpArgs args = bind(node, views);
    check(args);
    team.run([&](Lane lane) { run_lane(args, kernels, lane); });
    for (const ValueId input : node.inputs) {
      const auto id = static_cast<size_t>(input);
      if (last[id] == static_cast<int>(n) && input != graph.output) buffers[id] = Tensor();
    }
  }
  return std::move(buffers.at(static_cast<size_t>(graph.output)));
}

}  // namespace caravan
