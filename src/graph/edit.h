// What passes over a graph have in common: who makes and who reads a value, and adding and removing parts.
// Thread safety: pure functions of the graph that they are given.
#pragma once

#include <optional>

#include "graph/graph.h"

namespace caravan {

/// Who makes and who reads each value, by index into Graph::nodes. Stale once nodes come, go or move.
class Uses {
 public:
  explicit Uses(const Graph& graph);

  /// The node that has `value` for an output; nothing for inputs, weights and caches.
  [[nodiscard]] std::optional<size_t> producer(ValueId value) const;
  /// The same, if it is an `op`.
  [[nodiscard]] std::optional<size_t> producer(ValueId value, OpKind op) const;
  /// Nodes that read `value`, in order, each once.
  [[nodiscard]] const std::vector<size_t>& readers(ValueId value) const;
  /// Whether `reader` alone reads `value`, and the graph's caller does not.
  [[nodiscard]] bool only_reader(ValueId value, size_t reader) const;

 private:
  const Graph& graph_;
  std::vector<int> producers_;                ///< by value; -1 for none
  std::vector<std::vector<size_t>> readers_;  ///< by value
};

ValueId add_value(Graph& graph, Value value);
/// A new weight and its value.
ValueId add_weight(Graph& graph, const std::string& name, const WeightSpec& spec);
/// The spec of a weight's value.
const WeightSpec& weight_of(const Graph& graph, ValueId value);

/// Removes the nodes that `dead` marks; by index into Graph::nodes.
void remove_nodes(Graph& graph, const std::vector<bool>& dead);

/// Reads `after` wherever `before` was read, the graph's output included.
void replace_reads(Graph& graph, ValueId before, ValueId after);

}  // namespace caravan
