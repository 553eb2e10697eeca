#include "execute/step.h"

#include "base/error.h"

namespace caravan {

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
    sizes.at(axis) = dim.symbol == Symbol::kNone ? dim.constant : sizes_.at(static_cast<size_t>(dim.symbol));
  }
  return {sizes.data(), shape.size()};
}

}  // namespace caravan
