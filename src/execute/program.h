// A graph bound to the tensors of one step: a flat list of kernel calls that the team walks in one go.
//
// Each lane does its share of one call after the other and waits for the other lanes only where a call
// touches memory that one since the last barrier wrote, or writes what one read. Invariants: the tensors and
// the arena outlive the program. Thread safety: run() by one thread at a time.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "device/step_barrier.h"
#include "device/thread_team.h"
#include "execute/bound_op.h"
#include "execute/step.h"
#include "execute/tuning/tile_table.h"
#include "graph/plan.h"

namespace caravan {

/// What a program works in, beside the step's tensors.
struct ProgramMemory {
  std::span<std::byte> arena;    ///< of intermediates: as many bytes as the plan has
  TensorView attention_scratch;  ///< as AttentionArgs::scratch; may be none
};

class Program {
 public:
  /// Binds `graph` to `step`, and its intermediates to the arena as `plan` says.
  Program(const Graph& graph, const StepTensors& step, const MemoryPlan& plan, const ProgramMemory& memory,
          const TileTable& tiles);

  /// Computes the step.
  void run(const KernelTable& kernels, ThreadTeam& team, StepBarrier& barrier);

  /// The graph's output.
  [[nodiscard]] const TensorView& output() const { return output_; }
  [[nodiscard]] size_t calls() const { return calls_.size(); }
  /// How many of them wait for all lanes first.
  [[nodiscard]] size_t barriers() const;

 private:
  struct Call {
    OpArgs args;
    bool waits = false;  ///< for all lanes, before it starts
  };
  /// Which items of a call are taken; on a cache line of its own.
  struct alignas(64) Tickets {
    std::atomic<int64_t> taken{0};
  };

  std::vector<Call> calls_;
  std::unique_ptr<Tickets[]> tickets_;  ///< [calls]
  TensorView output_;
};

/// By value: how many bytes it has in a step of these sizes.
std::vector<uint64_t> bytes_of_values(const Graph& graph, const SymbolSizes& sizes);

}  // namespace caravan
