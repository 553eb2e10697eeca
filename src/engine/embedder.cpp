#include "engine/embedder.h"

#include "base/error.h"
#include "graph/edit.h"

namespace caravan {

namespace {

template <typename T>
void add_rows(const TensorView& hidden, std::vector<double>& sum) {
  const T* row = hidden.as<T>();
  for (int64_t r = 0; r < hidden.shape[0]; ++r) {
    for (double& total : sum) total += static_cast<double>(to_float(*row++));
  }
}

}  // namespace

Graph hidden_graph(const Graph& graph) {
  Graph hidden = graph;
  // Weights keep their places even if nothing reads them now: they are the engine's.
  const Node last = hidden.nodes.back();
  CARAVAN_CHECK(last.op == OpKind::kLinear || last.op == OpKind::kPackedLinear);
  CARAVAN_CHECK(last.outputs.front() == graph.output);
  hidden.nodes.pop_back();
  hidden.output = last.inputs.front();
  return hidden;
}

Embedder::Embedder(const ExecutorResources& resources, const ExecutorOptions& options)
    : graph_(hidden_graph(resources.graph)),
      executor_({graph_, resources.weights, resources.caches, resources.kernels, resources.team}, options) {}

void Embedder::add_hidden(const StepInputs& inputs, std::vector<double>& sum) {
  const TensorView hidden = executor_.run(inputs);
  sum.resize(static_cast<size_t>(hidden.shape[1]), 0.0);
  switch (hidden.dtype) {
    case DType::kF32:
      return add_rows<float>(hidden, sum);
    case DType::kF16:
      return add_rows<Half>(hidden, sum);
    case DType::kBF16:
      return add_rows<BFloat16>(hidden, sum);
    default:
      CARAVAN_CHECK(false);
  }
}

}  // namespace caravan
