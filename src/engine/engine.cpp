#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "base/machine.h"
#include "engine/memory.h"
#include "engine/tuning.h"
#include "models/rope.h"

namespace caravan {

namespace {

/// The cache that the options ask for, if it and the weights fit into the options' memory limit.
KvCacheShape checked_cache_shape(const Model& model, const EngineOptions& options) {
  const KvCacheShape shape = kv_cache_shape(model.config, options);
  require_memory_limit(options, model.weight_bytes(), shape.bytes(model.kv_dtype));
  return shape;
}

SchedulerOptions scheduler_options(const EngineOptions& options, const KvCacheShape& shape,
                                   const ModelConfig& config) {
  // Keys that were rotated for one length do not serve another.
  const bool shares = options.kv_cache == KvCacheKind::kPaged && !depends_on_length(config.rope);
  return {.max_sequences = options.max_sequences,
          .max_batch_tokens = options.max_batch_tokens,
          .block_size = shape.block_size,
          .prefix_cache = options.prefix_cache && shares,
          .prefill_stretch = options.prefill_stretch};
}

/// The kernels that the options ask for. Says so where they leave a part of the model to the reference.
KernelTable kernels_for(const ModelConfig& config, const EngineOptions& options) {
  if (config.head_dim > largest_fast_head(options.isa)) {
    log(LogLevel::kWarning, "attention over heads of ", config.head_dim,
        " elements runs on the reference kernel, because ", name_of(options.isa), " has one for up to ",
        largest_fast_head(options.isa), ": steps will be slow");
  }
  return select_kernels(options.isa);
}

}  // namespace

Engine::Engine(Model model, const EngineOptions& options)
    : model_(std::move(model)),
      options_(options),
      kv_shape_(checked_cache_shape(model_, options)),
      cache_(kv_shape_, model_.kv_dtype),
      pool_(static_cast<int32_t>(kv_shape_.blocks)),
      scheduler_(scheduler_options(options, kv_shape_, model_.config), pool_),
      team_(options.threads, options.bind_cpu),
      kernels_(kernels_for(model_.config, options)),
      executor_(
          {model_.graph, model_.weights, cache_.views(), kernels_, team_},
          {options.execute_mode, options.max_sequences, kv_shape_.blocks_for(options.max_sequence_length)}) {
  executor_.set_tiles(tiles_for({model_.graph, model_.weights, kernels_, team_}, options_));
  if (!depends_on_length(model_.config.rope))
    rope_frequencies_ = rope_frequencies(model_.config.rope, model_.config.head_dim, 1);
}

Engine::~Engine() = default;

void EngineStats::add(bool prefill, int64_t tokens, double seconds) {
  (prefill ? prefill_steps : decode_steps) += 1;
  (prefill ? prefill_tokens : decode_tokens) += tokens;
  (prefill ? prefill_seconds : decode_seconds) += seconds;
}

std::vector<StepResult> Engine::step() {
  const double start = seconds_now();
  const std::vector<StepPart> parts = scheduler_.next_step();
  CARAVAN_CHECK(!parts.empty());
  admissions_.clear();
  for (const ScheduledSequence* sequence : scheduler_.admitted()) {
    const auto& admitted = static_cast<const Sequence&>(*sequence);
    admissions_.push_back({admitted.group->id, admitted.cached});
  }
  std::vector<StepPart> embedded;
  std::vector<StepPart> continued;
  bool prefill = false;
  int64_t tokens = 0;
  for (const StepPart& part : parts) {
    (sequence_of(part).group->request.embed ? embedded : continued).push_back(part);
    prefill = prefill || part.sequence->in_prompt();
    tokens += part.count;
    if (part.sequence->in_prompt()) stats_.prompt_tokens += part.count;
  }

  std::vector<StepResult> results;
  if (!embedded.empty()) embed_parts(embedded, results);
  if (!continued.empty()) {
    std::vector<Choice> choices = run_parts(continued, results);
    fork_choices(choices);
    choose_all(choices);
    for (const Choice& choice : choices) count_guide(*choice.sequence);
    std::set<SequenceId> searches;
    for (Choice& choice : choices) {
      const Group& group = *choice.sequence->group;
      if (!group.request.beams.has_value()) {
        apply(choice, results);
        continue;
      }
      if (choice.result.finish.has_value())
        end_beam(*choice.sequence, choice.result.finish == FinishReason::kStop);
      searches.insert(group.id);
    }
    for (const SequenceId id : searches) advance_beams(id, results);
  }
  stats_.add(prefill, tokens, seconds_now() - start);
  return results;
}

// Masks of guided output are filled here: after the model's graph, not beside it. To know what may follow, a
// guide needs the token that is chosen at the end of the step before, so a mask could only be made while the
// graph of its own step runs; then all threads of the team are busy with that, and a thread more would take a
// core from it. So masks add to the step. What they cost is kept down otherwise: the team's threads share the
// sequences (those of one guide wait for each other at its mutex), and the mask of a state that was met
// before is copied. The metric caravan_guided_mask_seconds says what is left.
void Engine::choose_all(std::vector<Choice>& choices) {
  if (choices.size() == 1) return choose(choices.front());
  std::atomic<size_t> taken{0};
  team_.run([&](Lane /*lane*/) {
    for (size_t i = taken.fetch_add(1); i < choices.size(); i = taken.fetch_add(1)) choose(choices[i]);
  });
}

void Engine::count_guide(Sequence& sequence) {
  if (!sequence.matcher.has_value()) return;
  const GuideCost& cost = sequence.matcher->cost();
  stats_.guide_steps += cost.steps - sequence.counted.steps;
  stats_.guide_seconds += cost.seconds - sequence.counted.seconds;
  sequence.counted = cost;
}

void Engine::apply(Choice& choice, std::vector<StepResult>& results) {
  Sequence& sequence = *choice.sequence;
  if (choice.result.token.has_value()) sequence.tokens.push_back(*choice.result.token);
  const bool ends = choice.result.finish.has_value();
  results.push_back(std::move(choice.result));
  if (ends) remove(sequence);
}

}  // namespace caravan
