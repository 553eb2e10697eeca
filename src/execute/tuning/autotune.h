// Finds the best tiles for a model's matmuls by measuring candidates on this machine.
// Thread safety: as ThreadTeam, whose owner calls this.
#pragma once

#include <functional>
#include <span>

#include "device/thread_team.h"
#include "execute/tuning/tile_table.h"
#include "graph/graph.h"
#include "ops/kernel_table.h"

namespace caravan {

/// The keys of every packed matmul of `graph`, in every range.
std::vector<TileKey> keys_of(const Graph& graph);

/// What measuring is done with.
struct TuningResources {
  const Graph& graph;
  std::span<const ConstTensorView> weights;  ///< by Graph::weights
  const KernelTable& kernels;
  ThreadTeam& team;
};

/// Adds to `table` the tiles of each key of the graph that it lacks, each the fastest of the candidates in
/// alternating runs, or the kernel's own where nothing is clearly faster. Takes about 50 ms a key.
/// `progress(done, all)` is told after each key. Returns how many were added.
size_t autotune(const TuningResources& resources, TileTable& table,
                const std::function<void(size_t done, size_t all)>& progress);

}  // namespace caravan
