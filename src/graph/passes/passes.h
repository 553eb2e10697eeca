// The rewrites that turn a recorded graph into the one that the compiled modes run, one in each file.
//
// Invariants: a pass changes no result but by the order in which fp32 sums are rounded, takes any graph that
// the builder can make, and leaves what it does not recognise as it is. Thread safety: each works on the
// graph it is given.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace caravan {

/// The last layer, the final norm and the head are computed for the rows whose logits are wanted only: moves
/// take_rows up before every op that treats rows one by one. Returns how many ops see fewer rows.
int64_t take_rows_early(Graph& graph);

/// rope of q and of k, and the KV write, become one op that reads each of q, k and v once. Returns how many
/// layers changed.
int64_t fuse_rope_and_kv_write(Graph& graph);

/// An rms_norm whose output is only quantised gives it quantised. Returns how many.
int64_t fuse_norm_and_quantize(Graph& graph);

/// The matmuls that make q, k and v become one, whose weights lie one below the other. Needs
/// fuse_rope_and_kv_write(), whose op reads its inputs side by side. Returns how many layers changed.
int64_t merge_qkv(Graph& graph);

/// The matmuls of gate and up become one, of weights that lie interleaved, and silu(gate) * up its epilogue.
/// Returns how many layers changed.
int64_t fuse_swiglu(Graph& graph);

/// Every matmul that is left takes its weight in panels. Returns how many.
int64_t pack_linears(Graph& graph);

/// An addition to what a packed matmul gives becomes the matmul's epilogue. Returns how many.
int64_t fuse_residual(Graph& graph);

/// An addition that is left, and an rms_norm of its sum, become one op, whose outputs are both. Returns how
/// many.
int64_t fuse_add_norm(Graph& graph);

/// Removes what the output and the caches do not depend on: nodes, then weights. Returns how many of both.
int64_t remove_dead(Graph& graph);

/// For steps that want the logits of every row, in order: take_rows would copy all of them, and goes. The
/// one rewrite that is not for every step. Returns how many went.
int64_t take_all_rows(Graph& graph);

struct Pass {
  std::string_view name;
  std::string_view does;  ///< for people
  int64_t (*run)(Graph& graph);
};

/// The passes of the compiled modes, in the order in which they run.
std::span<const Pass> passes();

/// What one pass did.
struct PassReport {
  const Pass* pass = nullptr;
  int64_t changes = 0;
  size_t nodes_before = 0;
  size_t nodes_after = 0;
};

/// Runs all passes() over `graph`.
std::vector<PassReport> run_passes(Graph& graph);

}  // namespace caravan
