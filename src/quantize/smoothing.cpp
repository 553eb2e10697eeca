#include "quantize/smoothing.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "graph/edit.h"

namespace caravan {

namespace {

/// The smallest factor, as in the original implementation.
constexpr float kLeastFactor = 1e-5F;

/// What divides the inputs of a group.
struct Divider {
  std::vector<std::string> weights;  ///< a norm; or a matrix and its bias
  int64_t rows = 0;      ///< of each; the inputs are so many, or a multiple (heads that share a v)
  int64_t head_dim = 0;  ///< of those heads; 0 where rows are inputs
};

/// The matrix of a matmul that has one: not of experts.
const PlannedMatrix* matrix_of(const QuantizePlan& plan, size_t node) {
  for (const PlannedGroup& group : plan.groups) {
    const std::vector<size_t>& nodes = group.matmuls.nodes;
    if (group.matrices.size() != nodes.size()) continue;
    for (size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i] == node) return &group.matrices[i];
  }
  return nullptr;
}

/// The matrix that makes `value`, if it is quantised and nothing but `reader` reads what it makes.
std::optional<Divider> divider_of(const QuantizePlan& plan, const Uses& uses, ValueId value, size_t reader) {
  const std::optional<size_t> producer = uses.producer(value, OpKind::kLinear);
  if (!producer || !uses.only_reader(value, reader)) return std::nullopt;
  const PlannedMatrix* matrix = matrix_of(plan, *producer);
  if (matrix == nullptr || !matrix->format) return std::nullopt;
  Divider divider = {{matrix->name}, rows_of(matrix->spec), 0};
  if (matrix->bias >= 0) divider.weights.push_back(plan.graph.values[static_cast<size_t>(matrix->bias)].name);
  return divider;
}

/// The node that writes the V cache which `attention` reads.
size_t writer_of(const Graph& graph, const Node& attention) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.op == OpKind::kKvWrite && node.inputs[6] == attention.inputs[5]) return n;
  }
  CARAVAN_CHECK(false);
  return 0;
}

std::optional<Divider> divider_before(const QuantizePlan& plan, const Uses& uses, const PlannedGroup& group) {
  const Graph& graph = plan.graph;
  const ValueId input = group.matmuls.input;
  const std::optional<size_t> producer = uses.producer(input);
  if (!producer || uses.readers(input) != group.matmuls.nodes) return std::nullopt;
  const Node& node = graph.nodes[*producer];
  if (node.op == OpKind::kRmsNorm) {
    const WeightSpec& norm = weight_of(graph, node.inputs[1]);
    return Divider{{norm.sources.front().names.front()}, rows_of(norm), 0};
  }
  if (node.op == OpKind::kSiluMul) return divider_of(plan, uses, node.inputs[1], *producer);
  if (node.op != OpKind::kAttention) return std::nullopt;
  const size_t writer = writer_of(graph, node);
  std::optional<Divider> divider = divider_of(plan, uses, graph.nodes[writer].inputs[1], writer);
  if (divider) {
    const Value& cache = graph.values[static_cast<size_t>(node.inputs[5])];
    divider->head_dim = cache.shape.back().constant;
  }
  return divider;
}

/// The row that input `i` comes from: query heads that follow each other share a head of keys and values.
int64_t row_of(const Divider& divider, int64_t inputs, int64_t i) {
  if (divider.head_dim == 0) return i;
  const int64_t sharing = inputs / divider.rows;
  return i / divider.head_dim / sharing * divider.head_dim + i % divider.head_dim;
}

/// The largest of the inputs that come from each row.
std::vector<float> by_rows(const Divider& divider, const std::vector<float>& inputs) {
  std::vector<float> rows(static_cast<size_t>(divider.rows));
  for (size_t i = 0; i < inputs.size(); ++i) {
    float& most = rows[static_cast<size_t>(
        row_of(divider, static_cast<int64_t>(inputs.size()), static_cast<int64_t>(i)))];
    most = std::max(most, inputs[i]);
  }
  return rows;
}

void multiply_into(std::vector<float>& factors, const std::vector<float>& more) {
  if (factors.empty()) factors.assign(more.size(), 1.0F);
  for (size_t i = 0; i < more.size(); ++i) factors[i] *= more[i];
}

}  // namespace

void Smoothing::apply(const std::string& name, const TensorView& tensor) const {
  const int64_t count = tensor.shape[0];
  const int64_t width = tensor.shape.rank() == 1 ? 1 : tensor.shape[1];
  auto* values = tensor.as<float>();
  if (const auto found = columns.find(name); found != columns.end()) {
    for (int64_t i = 0; i < count * width; ++i) values[i] *= found->second[static_cast<size_t>(i % width)];
  }
  if (const auto found = rows.find(name); found != rows.end()) {
    for (int64_t i = 0; i < count * width; ++i) values[i] *= found->second[static_cast<size_t>(i / width)];
  }
}

std::vector<float> column_magnitudes(const ConstTensorView& matrix) {
  const int64_t width = matrix.shape[1];
  std::vector<float> magnitudes(static_cast<size_t>(width));
  const auto* values = matrix.as<float>();
  for (int64_t row = 0; row < matrix.shape[0]; ++row) {
    for (int64_t i = 0; i < width; ++i) {
      float& most = magnitudes[static_cast<size_t>(i)];
      most = std::max(most, std::abs(values[row * width + i]));
    }
  }
  return magnitudes;
}

std::vector<float> smoothing_factors(std::span<const float> inputs, std::span<const float> weights,
                                     float alpha) {
  std::vector<float> factors(inputs.size(), 1.0F);
  for (size_t j = 0; j < inputs.size(); ++j) {
    if (!(inputs[j] > 0.0F) || !(weights[j] > 0.0F)) continue;
    factors[j] = std::max(std::pow(inputs[j], alpha) / std::pow(weights[j], 1.0F - alpha), kLeastFactor);
  }
  return factors;
}

Smoothing smoothing_of(const QuantizePlan& plan, const Magnitudes& magnitudes, float alpha) {
  Smoothing smoothing;
  const Uses uses(plan.graph);
  for (size_t g = 0; g < plan.groups.size(); ++g) {
    const PlannedGroup& group = plan.groups[g];
    if (!group.is_quantized()) continue;
    const std::optional<Divider> divider = divider_before(plan, uses, group);
    if (!divider) continue;
    const std::vector<float> factors = smoothing_factors(by_rows(*divider, magnitudes.inputs[g]),
                                                         by_rows(*divider, magnitudes.weights[g]), alpha);
    const auto in = static_cast<int64_t>(magnitudes.inputs[g].size());
    std::vector<float> columns;
    for (int64_t i = 0; i < in; ++i) columns.push_back(factors[static_cast<size_t>(row_of(*divider, in, i))]);
    for (const PlannedMatrix& matrix : group.matrices) multiply_into(smoothing.columns[matrix.name], columns);
    std::vector<float> shares;
    shares.reserve(factors.size());
    for (const float factor : factors) shares.push_back(1.0F / factor);
    for (const std::string& weight : divider->weights) multiply_into(smoothing.rows[weight], shares);
  }
  return smoothing;
}

}  // namespace caravan
