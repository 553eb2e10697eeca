// A graph and its memory plan as a picture. Thread safety: a pure function.
#pragma once

#include <string>

#include "graph/graph.h"
#include "graph/plan.h"

namespace caravan::cli {

/// An SVG: on the left the ops from top to bottom with what flows between them, alike layers once; on the
/// right where each intermediate lies in the arena (upwards) while which ops run (to the right), for the
/// sizes that `value_bytes` was made for. `title` may hold any bytes.
std::string graph_svg(const Graph& graph, const MemoryPlan& plan, const std::vector<uint64_t>& value_bytes,
                      const std::string& title);

}  // namespace caravan::cli
