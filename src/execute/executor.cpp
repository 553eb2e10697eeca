#include "execute/executor.h"

#include <algorithm>

#include "base/error.h"
#include "execute/eager.h"

namespace caravan {

std::string_view name_of(ExecuteMode mode) {
  switch (mode) {
    case ExecuteMode::kEager:
      return "eager";
    case ExecuteMode::kReduceOverhead:
      return "reduce-overhead";
    case ExecuteMode::kMaxAutotune:
      break;
  }
  return "max-autotune";
}

Executor::Executor(const ExecutorResources& resources, const ExecutorOptions& options)
    : resources_(resources),
      options_(options),
      decode_graph_(resources.graph),
      barrier_(resources.team.size(), resources.team.spins()) {
  take_all_rows(decode_graph_);
}

void Executor::set_tiles(TileTable tiles) {
  tiles_ = std::move(tiles);
  gears_.clear();
}

TensorView Executor::run(const StepInputs& inputs) {
  const StepTensors step = {inputs, resources_.weights, resources_.caches};
  if (options_.mode == ExecuteMode::kEager) {
    eager_output_ = run_eager(resources_.graph, step, resources_.kernels, resources_.team);
    ++stats_.eager_steps;
    return eager_output_.view();
  }
  return decodes_every_sequence(step) ? replay(step) : run_compiled(step);
}

MemoryPlan Executor::plan(const Graph& graph, const SymbolSizes& sizes) {
  MemoryPlan plan = plan_memory(graph, bytes_of_values(graph, sizes));
  if (plan.bytes > stats_.planned_bytes) {
    stats_.planned_bytes = plan.bytes;
    stats_.unshared_bytes = plan.unshared_bytes;
  }
  return plan;
}

TensorView Executor::run_compiled(const StepTensors& step) {
  const MemoryPlan planned = plan(resources_.graph, SymbolSizes(step));
  if (planned.bytes > arena_.size()) {
    arena_ = Buffer();  // the old one goes first
    arena_ = Buffer(planned.bytes);
  }
  Program program(resources_.graph, step, planned, arena_.bytes(), tiles_);
  program.run(resources_.kernels, resources_.team, barrier_);
  ++stats_.compiled_steps;
  return program.output();
}

TensorView Executor::replay(const StepTensors& step) {
  const int64_t sequences = step.input(InputKind::kSequences).shape[0];
  const int64_t size = gear_size(sequences, options_.max_sequences);
  std::unique_ptr<Gear>& gear = gears_[size];
  if (gear == nullptr) {
    const int64_t half = step.input(InputKind::kRopeFrequencies).shape[1];
    if (gear_arena_.size() == 0) {
      const GearInputs largest(options_.max_sequences, options_.max_blocks_per_sequence, half);
      gear_arena_ = Buffer(plan(decode_graph_, SymbolSizes({largest.views(), {}, resources_.caches})).bytes);
    }
    gear = std::make_unique<Gear>(size, options_.max_blocks_per_sequence, half);
    const StepTensors bound = {gear->inputs.views(), resources_.weights, resources_.caches};
    const MemoryPlan planned = plan(decode_graph_, SymbolSizes(bound));
    gear->program.emplace(decode_graph_, bound, planned, gear_arena_.bytes(), tiles_);
  }
  gear->inputs.fill(step.inputs);
  gear->program->run(resources_.kernels, resources_.team, barrier_);
  ++stats_.replayed_steps;
  TensorView logits = gear->program->output();
  logits.shape = {sequences, logits.shape[1]};
  return logits;
}

}  // namespace caravan
