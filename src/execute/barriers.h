// Which calls of a step must wait for those before them. Thread safety: a value type.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "tensor/view.h"

namespace caravan {

class BarrierPlacer {
 public:
  /// Whether `node`, whose tensors are in `values`, must wait for the lanes to finish all calls since the
  /// last one that did. To be asked for one node after the other.
  bool must_wait(const Graph& graph, const Node& node, std::span<const TensorView> values);

 private:
  struct Range {
    const std::byte* begin;
    const std::byte* end;
    [[nodiscard]] bool overlaps(const Range& other) const { return begin < other.end && other.begin < end; }
  };
  static bool overlap(const std::vector<Range>& some, const std::vector<Range>& others);

  // Since the last barrier.
  std::vector<Range> read_;
  std::vector<Range> written_;
};

}  // namespace caravan
