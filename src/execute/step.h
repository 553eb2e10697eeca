// What one step of a graph runs on, and the graph's symbolic sizes in it.
// Invariants: the views outlive the step. Thread safety: value types.
#pragma once

#include <array>
#include <span>

#include "graph/graph.h"
#include "tensor/view.h"

namespace caravan {

using StepInputs = std::array<ConstTensorView, kInputCount>;  ///< by InputKind

struct StepTensors {
  StepInputs inputs;
  std::span<const ConstTensorView> weights;  ///< by Graph::weights
  /// K and V of each layer, [blocks, kv_heads, block_size, head_dim]: 2 * layer and 2 * layer + 1.
  std::span<const TensorView> caches;

  [[nodiscard]] const ConstTensorView& input(InputKind kind) const {
    return inputs.at(static_cast<size_t>(kind));
  }
};

/// The value of every symbol in a step.
class SymbolSizes {
 public:
  explicit SymbolSizes(const StepTensors& step);

  /// The shape with each symbol replaced by its value.
  [[nodiscard]] Shape resolve(const SymbolicShape& shape) const;

 private:
  std::array<int64_t, kSymbolCount> sizes_{};
};

/// By value: the views of everything that exists before the step; those of intermediates are empty.
std::vector<TensorView> given_views(const Graph& graph, const StepTensors& step);

}  // namespace caravan
