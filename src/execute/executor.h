// Runs the steps of a model in one of the three execute modes.
//
// eager: node by node, as recorded. reduce-overhead: the rewritten graph, its buffers at planned offsets, one
// call of the team a step; a step in which every sequence decodes is captured once for each gear (a number of
// sequences) and replayed, with padding up to the gear. max-autotune: the same, with tile shapes that were
// measured on this machine. Steps of any other shape are bound anew each time; nothing is ever recompiled.
// Invariants: graph, weights, caches, kernels and team outlive the executor; caches never move. Thread
// safety: one step at a time.
#pragma once

#include <map>
#include <memory>

#include "execute/gear.h"
#include "execute/program.h"
#include "graph/passes/passes.h"
#include "tensor/buffer.h"

namespace caravan {

enum class ExecuteMode : uint8_t { kEager, kReduceOverhead, kMaxAutotune };

/// "max-autotune".
std::string_view name_of(ExecuteMode mode);

struct ExecutorOptions {
  ExecuteMode mode = ExecuteMode::kMaxAutotune;
  int64_t max_sequences = 1;            ///< of a step: the largest gear
  int64_t max_blocks_per_sequence = 1;  ///< columns of the largest block table
};

/// How steps really ran.
struct ExecutorStats {
  int64_t eager_steps = 0;
  int64_t compiled_steps = 0;   ///< bound for the step
  int64_t replayed_steps = 0;   ///< of a gear
  uint64_t planned_bytes = 0;   ///< of intermediates, in the largest step so far
  uint64_t unshared_bytes = 0;  ///< what they would take in that step without the plan
};

/// What an executor works with.
struct ExecutorResources {
  const Graph& graph;
  std::span<const ConstTensorView> weights;  ///< by Graph::weights
  std::span<const TensorView> caches;        ///< as StepTensors::caches
  const KernelTable& kernels;
  ThreadTeam& team;
};

class Executor {
 public:
  /// For a graph as the passes left it, or as it was recorded where the mode is eager.
  Executor(const ExecutorResources& resources, const ExecutorOptions& options);

  /// Runs one step with these inputs. Returns the logits, fp32 [logit_rows, vocab], which stay until the next
  /// step.
  TensorView run(const StepInputs& inputs);

  /// Cuts matmuls so from now on.
  void set_tiles(TileTable tiles);

  [[nodiscard]] const ExecutorStats& stats() const { return stats_; }

 private:
  TensorView run_compiled(const StepTensors& step);
  TensorView replay(const StepTensors& step);
  MemoryPlan plan(const Graph& graph, const SymbolSizes& sizes);
  /// Memory for a program of so many bytes of intermediates.
  ProgramMemory memory_in(Buffer& arena, uint64_t bytes);

  ExecutorResources resources_;
  ExecutorOptions options_;
  Graph decode_graph_;  ///< that of a step that wants the logits of every row
  StepBarrier barrier_;
  Tensor eager_output_;
  Buffer arena_;                                    ///< of steps that are bound anew
  Buffer gear_arena_;                               ///< of all gears, of which one runs at a time
  Tensor attention_scratch_;                        ///< of all programs, of which one runs at a time
  std::map<int64_t, std::unique_ptr<Gear>> gears_;  ///< by sequences
  TileTable tiles_;                                 ///< what is not in it is left to the kernels
  ExecutorStats stats_;
};

}  // namespace caravan
