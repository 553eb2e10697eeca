// A node with its tensors: ready to be checked and run, and to be kept in a list and run again.
// Thread safety: run_lane is called by every thread of a team at once, each with its own lane.
#pragma once

#include <span>
#include <variant>

#include "graph/graph.h"
#include "ops/kernel_table.h"

namespace caravan {

using OpArgs =
    std::variant<EmbeddingArgs, LinearArgs, PackedLinearArgs, RmsNormArgs, AddRmsNormArgs, RopeAnglesArgs,
                 RopeArgs, KvWriteArgs, RopeKvWriteArgs, AttentionArgs, SiluMulArgs, AddArgs, TakeRowsArgs,
                 QuantizeRowsArgs, RouteExpertsArgs, GroupRowsArgs, GroupedLinearArgs, CombineExpertsArgs>;

/// The arguments of `node`'s op, its tensors taken from `values`, which has one view for each value of the
/// graph (data nullptr where the node does not need it).
OpArgs bind(const Node& node, std::span<const TensorView> values);

/// Aborts unless the shapes and dtypes are as the op's contract says.
void check(const OpArgs& args);

/// Runs `lane`'s share of the op with the kernel that `table` has for it.
void run_lane(const OpArgs& args, const KernelTable& table, Lane lane);

}  // namespace caravan
