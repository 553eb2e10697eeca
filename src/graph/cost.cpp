#include "graph/cost.h"

#include <algorithm>
#include <cmath>

namespace caravan {

namespace {

/// 0 + 1 + … + (n - 1).
int64_t triangle(int64_t n) { return n * (n - 1) / 2; }

/// How many keys the tokens of `sequence` attend to, all counted together. Token p attends to itself and to
/// those before it, or to the last `window` of them (0: all).
int64_t attended_pairs(const StepSequence& sequence, int64_t window) {
  const int64_t end = sequence.first + sequence.count;
  // Tokens below `edge` see p + 1 keys, the others the whole window.
  const int64_t edge = window == 0 ? end : std::clamp(window, sequence.first, end);
  return triangle(edge + 1) - triangle(sequence.first + 1) + (end - edge) * window;
}

/// How many keys any token of `sequence` attends to.
int64_t live_keys(const StepSequence& sequence, int64_t window) {
  const int64_t oldest = window == 0 ? 0 : std::max<int64_t>(0, sequence.first - window + 1);
  return sequence.first + sequence.count - oldest;
}

class StepCosts {
 public:
  StepCosts(const Graph& graph, std::span<const StepSequence> sequences)
      : graph_(graph), sequences_(sequences), in_matmul_(graph.weights.size(), false) {
    for (const StepSequence& sequence : sequences) tokens_ += sequence.count;
    for (const Node& node : graph.nodes) {
      if (is_plain_matmul(graph, node)) in_matmul_[static_cast<size_t>(value(node, 1).index)] = true;
    }
  }

  [[nodiscard]] Cost of(const Node& node) const {
    switch (node.op) {
      case OpKind::kEmbedding:
        return embedding(node);
      case OpKind::kLinear:
      case OpKind::kPackedLinear:
        return linear(node);
      case OpKind::kGroupedLinear:
        return grouped_linear(node);
      case OpKind::kAttention:
        return attention(node);
      default:
        return {0.0, weights_of(node)};
    }
  }

 private:
  [[nodiscard]] const Value& value(const Node& node, size_t input) const {
    return graph_.values[static_cast<size_t>(node.inputs[input])];
  }

  /// Bytes of all weights that the node reads.
  [[nodiscard]] double weights_of(const Node& node) const {
    double bytes = 0.0;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Value& input = value(node, i);
      if (input.kind != ValueKind::kWeight) continue;
      const Shape shape = shape_of(graph_.weights[static_cast<size_t>(input.index)]);
      bytes += static_cast<double>(shape.elements()) * static_cast<double>(size_of(input.dtype));
    }
    return bytes;
  }

  [[nodiscard]] Cost embedding(const Node& node) const {
    const Value& table = value(node, 1);
    const auto index = static_cast<size_t>(table.index);
    if (in_matmul_[index]) return {};
    const auto row = static_cast<double>(shape_of(graph_.weights[index]).back());
    return {0.0, static_cast<double>(tokens_) * row * static_cast<double>(size_of(table.dtype))};
  }

  /// The tokens whose rows the node computes.
  [[nodiscard]] double tokens_of(const Node& node) const {
    const bool all_tokens = value(node, 0).shape.front().symbol == Symbol::kTokens;
    return static_cast<double>(all_tokens ? tokens_ : static_cast<int64_t>(sequences_.size()));
  }

  [[nodiscard]] Cost linear(const Node& node) const {
    const WeightSpec& spec = graph_.weights[static_cast<size_t>(value(node, 1).index)];
    const auto elements = static_cast<double>(rows_of(spec)) * static_cast<double>(spec.width);
    const double operations = 2.0 * elements * tokens_of(node);
    if (spec.dtype == DType::kI8) return {0.0, weights_of(node), operations};
    return {operations, weights_of(node)};
  }

  /// Each token is a row of as many experts as it chose.
  [[nodiscard]] Cost grouped_linear(const Node& node) const {
    const WeightSpec& spec = graph_.weights[static_cast<size_t>(value(node, 1).index)];
    const auto experts = static_cast<double>(spec.experts);
    const auto chosen = static_cast<double>(value(node, 0).shape.front().times);
    const double left_out = std::pow(1.0 - chosen / experts, tokens_of(node));
    Cost cost = linear(node);
    cost.flops *= chosen / experts;
    cost.int8_operations *= chosen / experts;
    cost.bytes *= 1.0 - left_out;
    return cost;
  }

  [[nodiscard]] Cost attention(const Node& node) const {
    const auto width = static_cast<double>(value(node, 0).shape.back().constant);
    const Value& keys = value(node, 4);
    // K and V: [blocks, kv_heads, block_size, elements of a slot, its scale included].
    const auto token_bytes = static_cast<double>(2 * keys.shape[1].constant * keys.shape[3].constant) *
                             static_cast<double>(size_of(keys.dtype));
    Cost cost;
    for (const StepSequence& sequence : sequences_) {
      const int64_t window = node.attributes.window;
      // Scores and weighted values: two operations each for every key and every element of q.
      cost.flops += 4.0 * width * static_cast<double>(attended_pairs(sequence, window));
      cost.bytes += token_bytes * static_cast<double>(live_keys(sequence, window));
    }
    return cost;
  }

  const Graph& graph_;
  std::span<const StepSequence> sequences_;
  int64_t tokens_ = 0;
  std::vector<bool> in_matmul_;  ///< [weights]: whether a matmul reads it
};

/// What is known of it.
double arithmetic_seconds(const Cost& cost, const MachineRates& rates) {
  return (rates.flops_per_second ? cost.flops / *rates.flops_per_second : 0.0) +
         (rates.int8_per_second ? cost.int8_operations / *rates.int8_per_second : 0.0);
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  flops += other.flops;
  bytes += other.bytes;
  int8_operations += other.int8_operations;
  return *this;
}

std::vector<Cost> cost_of_step(const Graph& graph, std::span<const StepSequence> sequences) {
  const StepCosts costs(graph, sequences);
  std::vector<Cost> out;
  out.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) out.push_back(costs.of(node));
  return out;
}

Cost total_of(std::span<const Cost> costs) {
  Cost total;
  for (const Cost& cost : costs) total += cost;
  return total;
}

double least_seconds(std::span<const Cost> costs, const MachineRates& rates) {
  double seconds = 0.0;
  for (const Cost& cost : costs) {
    const double reading = cost.bytes / rates.bytes_per_second;
    seconds += std::max(reading, arithmetic_seconds(cost, rates));
  }
  return seconds;
}

std::optional<double> least_arithmetic_seconds(std::span<const Cost> costs, const MachineRates& rates) {
  const Cost total = total_of(costs);
  if (!rates.flops_per_second || (total.int8_operations > 0.0 && !rates.int8_per_second)) return std::nullopt;
  return arithmetic_seconds(total, rates);
}

uint64_t weight_bytes(const Graph& graph) {
  uint64_t bytes = 0;
  for (const WeightSpec& spec : graph.weights)
    bytes += static_cast<uint64_t>(shape_of(spec).elements()) * size_of(spec.dtype);
  return bytes;
}

}  // namespace caravan
