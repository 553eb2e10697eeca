// Several matmuls of one input as a single one: what the merging passes share.
// Thread safety: works on the graph it is given.
#pragma once

#include <optional>

#include "graph/edit.h"

namespace caravan {

/// The node that makes `value`, if it is a plain matmul (is_plain_matmul).
std::optional<size_t> matmul_of(const Graph& graph, const Uses& uses, ValueId value);

/// One matmul for the plain matmuls `linears` (by index), whose weight, and bias where they have one, are
/// theirs in that order, laid out as `layout` says for matrices (kRows, or kInterleavedPanels for two of like
/// size; quantised ones are in panels either way). The node has no output yet. Nothing where they do not read
/// the same input, are stored differently, or only some have a bias.
std::optional<Node> stack_linears(Graph& graph, const std::vector<size_t>& linears, WeightLayout layout);

}  // namespace caravan
