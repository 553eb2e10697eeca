#include "execute/step.h"

#include "base/error.h"

namespace caravan {

namespace {

/// Inputs and weights are never written, but share the table of views with what is.
TensorView unconst(const ConstTensorView& view) {
  return {const_cast<void*>(view.data), view.dtype, view.shape};
}

}  // namespace

SymbolSizes::SymbolSizes(const StepTensors& step) {
  const auto set = [this](Symbol symbol, int64_t size) { sizes_.at(static_cast<size_t>(symbol)) = size; };
  set(Symbol::kTokens, step.input(InputKind::kTokenIds).shape[0]);
  set(Symbol::kSequences, step.input(InputKind::kBlockTable).shape[0]);
  set(Symbol::kBlocksPerSequence, step.input(InputKind::kBlockTable).shape[1]);
  set(Symbol::kLogitRows, step.input(InputKind::kLogitRows).shape[0]);
  if (step.caches.empty()) return;
  set(Symbol::kBlocks, step.caches.front().shape[0]);
  set(Symbol::kBlockSize, step.caches.front().shape[2]);
}

Shape SymbolSizes::resolve(const SymbolicShape& shape) const {
  CARAVAN_CHECK(shape.size() <= kMaxRank);
  std::array<int64_t, kMaxRank> sizes{};
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const Dim& dim = shape[axis];
    sizes.at(axis) =
        dim.symbol == Symbol::kNone ? dim.constant : dim.times * sizes_.at(static_cast<size_t>(dim.symbol));
  }
  return {sizes.data(), shape.size()};
}

std::vector<TensorView> given_views(const Graph& graph, const StepTensors& step) {
  std::vector<TensorView> views(graph.values.size());
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    const auto index = static_cast<size_t>(value.index);
    switch (value.kind) {
      case ValueKind::kInput:
        views[id] = unconst(step.inputs.at(index));
        break;
      case ValueKind::kWeight:
        views[id] = unconst(step.weights[index]);
        break;
      case ValueKind::kCache:
        views[id] = step.caches[index];
        break;
      case ValueKind::kIntermediate:
        break;
    }
  }
  return views;
}

}  // namespace caravan
