// Where intermediates live: fixed offsets in one arena, shared by values that are never alive together.
// Thread safety: pure functions.
#pragma once

#include "graph/graph.h"

namespace caravan {

struct MemoryPlan {
  std::vector<int64_t> offsets;  ///< by value: of its first byte in the arena; -1 for what is not in it
  uint64_t bytes = 0;            ///< of the arena
  uint64_t unshared_bytes = 0;   ///< of all intermediates, had each a place of its own
};

/// Plans for a step in which each value has so many bytes. Offsets are multiples of kBufferAlignment. A value
/// is alive from the node that makes it to the last that reads it, the graph's output to the end; the output
/// of a matmul and of combine_experts takes the place of the residual that it adds, and the sum of
/// add_rms_norm that of what it adds, where nothing reads that later. First fit, in the order of the nodes.
MemoryPlan plan_memory(const Graph& graph, const std::vector<uint64_t>& value_bytes);

}  // namespace caravan
