// What the matrices of a model are stored in, by layer: for people. Thread safety: a pure function.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace caravan::cli {

struct SchemeLine {
  std::string where;  ///< "layers 0 to 21", "lm_head"
  /// "w8a8, per channel"; where not all matrices of a layer are alike, those that differ from most are named:
  /// "w4a16, groups of 64; bf16: mlp.down_proj".
  std::string what;
};

/// Of all matrices of `graph`, which is as it was recorded; neighbouring layers that are alike share a line.
std::vector<SchemeLine> schemes_by_layer(const Graph& graph);

}  // namespace caravan::cli
