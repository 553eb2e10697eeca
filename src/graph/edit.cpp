#include "graph/edit.h"

#include <algorithm>
#include <utility>

namespace caravan {

Uses::Uses(const Graph& graph)
    : graph_(graph), producers_(graph.values.size(), -1), readers_(graph.values.size()) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (const ValueId output : node.outputs)
      producers_.at(static_cast<size_t>(output)) = static_cast<int>(n);
    for (const ValueId input : node.inputs) {
      std::vector<size_t>& readers = readers_.at(static_cast<size_t>(input));
      if (readers.empty() || readers.back() != n) readers.push_back(n);
    }
  }
}

std::optional<size_t> Uses::producer(ValueId value) const {
  const int node = producers_.at(static_cast<size_t>(value));
  if (node < 0) return std::nullopt;
  return static_cast<size_t>(node);
}

std::optional<size_t> Uses::producer(ValueId value, OpKind op) const {
  const std::optional<size_t> node = producer(value);
  return node && graph_.nodes[*node].op == op ? node : std::nullopt;
}

const std::vector<size_t>& Uses::readers(ValueId value) const {
  return readers_.at(static_cast<size_t>(value));
}

bool Uses::only_reader(ValueId value, size_t reader) const {
  return value != graph_.output && readers(value) == std::vector<size_t>{reader};
}

ValueId add_value(Graph& graph, Value value) {
  graph.values.push_back(std::move(value));
  return static_cast<ValueId>(graph.values.size() - 1);
}

ValueId add_weight(Graph& graph, const std::string& name, const WeightSpec& spec) {
  graph.weights.push_back(spec);
  const Shape shape = shape_of(spec);
  SymbolicShape symbolic;
  for (size_t axis = 0; axis < shape.rank(); ++axis) symbolic.push_back({Symbol::kNone, shape[axis]});
  const auto index = static_cast<int32_t>(graph.weights.size() - 1);
  return add_value(graph, {ValueKind::kWeight, index, name, spec.dtype, symbolic});
}

const WeightSpec& weight_of(const Graph& graph, ValueId value) {
  const Value& weight = graph.values.at(static_cast<size_t>(value));
  CARAVAN_CHECK(weight.kind == ValueKind::kWeight);
  return graph.weights.at(static_cast<size_t>(weight.index));
}

void remove_nodes(Graph& graph, const std::vector<bool>& dead) {
  size_t kept = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (dead.at(n)) continue;
    if (kept != n) graph.nodes[kept] = std::move(graph.nodes[n]);
    ++kept;
  }
  graph.nodes.resize(kept);
}

void replace_reads(Graph& graph, ValueId before, ValueId after) {
  for (Node& node : graph.nodes) std::replace(node.inputs.begin(), node.inputs.end(), before, after);
  if (graph.output == before) graph.output = after;
}

}  // namespace caravan
