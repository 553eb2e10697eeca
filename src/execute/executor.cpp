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

namespace {

/// Elements that let the team share the contexts of a step of decoding sequences.
int64_t scratch_elements(const ExecutorResources& resources, const ExecutorOptions& options) {
  int64_t most = 0;
  for (const Node& node : resources.graph.nodes) {
    if (node.op != OpKind::kAttention) continue;
    const Value& q = resources.graph.values[static_cast<size_t>(node.inputs[0])];
    const Value& keys = resources.graph.values[static_cast<size_t>(node.inputs[4])];
    const KvLayout cache = kv_layout_of(resources.caches[static_cast<size_t>(keys.index)]);
    const int64_t context = options.max_blocks_per_sequence * cache.block_size;
    most = std::max(
        most, attention_scratch_elements(options.max_sequences, q.shape.back().constant / cache.head_dim,
                                         cache.kv_heads, cache.head_dim, context, resources.team.size()));
  }
  return most;
}

}  // namespace

Executor::Executor(const ExecutorResources& resources, const ExecutorOptions& options)
    : resources_(resources),
      options_(options),
      decode_graph_(resources.graph),
      barrier_(resources.team.size(), resources.team.spins()) {
  take_all_rows(decode_graph_);
  if (options.mode == ExecuteMode::kEager) return;
  if (const int64_t elements = scratch_elements(resources_, options_); elements > 0)
    attention_scratch_ = Tensor(DType::kF32, {elements});
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

ProgramMemory Executor::memory_in(Buffer& arena, uint64_t bytes) {
  if (bytes > arena.size()) {
    arena = Buffer();  // the old one goes first
    arena = Buffer(bytes);
  }
  return {arena.bytes(), attention_scratch_.view()};
}

TensorView Executor::run_compiled(const StepTensors& step) {
  const MemoryPlan planned = plan(resources_.graph, SymbolSizes(step));
  Program program(resources_.graph, step, planned, memory_in(arena_, planned.bytes), tiles_);
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
    // All gears share the arena of the largest, which must not move once one is bound to it.
    const GearInputs largest(options_.max_sequences, options_.max_blocks_per_sequence, half);
    const SymbolSizes sizes({largest.views(), {}, resources_.caches});
    const ProgramMemory memory = memory_in(gear_arena_, plan(decode_graph_, sizes).bytes);
    gear = std::make_unique<Gear>(size, options_.max_blocks_per_sequence, half);
    const StepTensors bound = {gear->inputs.views(), resources_.weights, resources_.caches};
    const MemoryPlan planned = plan(decode_graph_, SymbolSizes(bound));
    gear->program.emplace(decode_graph_, bound, planned, memory, tiles_);
  }
  gear->inputs.fill(step.inputs);
  gear->program->run(resources_.kernels, resources_.team, barrier_);
  ++stats_.replayed_steps;
  TensorView logits = gear->program->output();
  logits.shape = {sequences, logits.shape[1]};
  return logits;
}

}  // namespace caravan
