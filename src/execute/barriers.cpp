#include "execute/barriers.h"

#include <algorithm>

namespace caravan {

bool BarrierPlacer::overlap(const std::vector<Range>& some, const std::vector<Range>& others) {
  return std::any_of(some.begin(), some.end(), [&others](const Range& range) {
    return std::any_of(others.begin(), others.end(),
                       [&range](const Range& other) { return range.overlaps(other); });
  });
}

bool BarrierPlacer::must_wait(const Graph& graph, const Node& node, std::span<const TensorView> values) {
  const auto range_of = [&values](ValueId id) {
    const TensorView& view = values[static_cast<size_t>(id)];
    const auto* begin = static_cast<const std::byte*>(view.data);
    return Range{begin, begin + view.bytes()};
  };
  const bool writes_caches = node.op == OpKind::kKvWrite || node.op == OpKind::kRopeKvWrite;
  std::vector<Range> reads;
  std::vector<Range> writes;
  for (const ValueId input : node.inputs) {
    const ValueKind kind = graph.values[static_cast<size_t>(input)].kind;
    // Inputs and weights are written by nobody.
    if (kind == ValueKind::kInput || kind == ValueKind::kWeight) continue;
    (kind == ValueKind::kCache && writes_caches ? writes : reads).push_back(range_of(input));
  }
  for (const ValueId output : node.outputs) writes.push_back(range_of(output));

  const bool waits = overlap(reads, written_) || overlap(writes, written_) || overlap(writes, read_);
  if (waits) {
    read_.clear();
    written_.clear();
  }
  read_.insert(read_.end(), reads.begin(), reads.end());
  written_.insert(written_.end(), writes.begin(), writes.end());
  return waits;
}

}  // namespace caravan
