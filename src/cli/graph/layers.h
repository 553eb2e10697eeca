// A graph cut into the parts that a person wants to see: what stands before the layers, each layer, and what
// follows. Thread safety: pure functions.
#pragma once

#include "graph/graph.h"

namespace caravan::cli {

/// Nodes that belong together.
struct Section {
  int layer = -1;    ///< -1 for what belongs to none
  size_t begin = 0;  ///< nodes begin .. end - 1
  size_t end = 0;
  /// How many layers, itself included, do the same and follow each other. The sections of the others are left
  /// out.
  int alike = 1;
};

/// The sections of `graph` in order. A node is of the layer that its weight or cache names, or else of the
/// one that the node before it is of.
std::vector<Section> sections_of(const Graph& graph);

}  // namespace caravan::cli
