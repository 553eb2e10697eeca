#include "engine/engine.h"

#include <algorithm>

#include "base/error.h"
#include "base/machine.h"
#include "engine/memory.h"
#include "engine/tuning.h"
#include "models/rope.h"
#include "scheduler/scheduler.h"

namespace caravan {

namespace {

/// Blocks of the longest sequence.
int64_t blocks_per_sequence(const EngineOptions& options) {
  if (options.kv_cache == KvCacheKind::kContiguous) return 1;
  return (options.max_sequence_length + kPagedBlockSize - 1) / kPagedBlockSize;
}

/// The cache that the options ask for, if it and the weights fit into the options' memory limit.
KvCacheShape checked_cache_shape(const Model& model, const EngineOptions& options) {
  const KvCacheShape shape = kv_cache_shape(model.config, options);
  require_memory_limit(options, model.weight_bytes(), shape.bytes(model.dtype));
  return shape;
}

}  // namespace

struct Engine::Sequence {
  SequenceId id = 0;
  Request request;
  Sampler sampler;
  std::vector<int32_t> tokens;  ///< prompt and output so far
  int64_t computed = 0;         ///< how many of them have their keys and values in the cache
  int64_t max_length = 0;       ///< of prompt and output together
  BlockTable blocks;
  std::vector<float> rope_frequencies;  ///< [head_dim / 2], of the step in progress

  [[nodiscard]] bool in_prompt() const { return computed < prompt_length(); }
  [[nodiscard]] int64_t length() const { return static_cast<int64_t>(tokens.size()); }
  [[nodiscard]] int64_t prompt_length() const { return static_cast<int64_t>(request.prompt.size()); }
};

Engine::Engine(Model model, const EngineOptions& options)
    : model_(std::move(model)),
      options_(options),
      kv_shape_(checked_cache_shape(model_, options)),
      cache_(kv_shape_, model_.dtype),
      pool_(static_cast<int32_t>(kv_shape_.blocks)),
      team_(options.threads, options.bind_cpu),
      kernels_(select_kernels(options.isa)),
      executor_({model_.graph, model_.weights, cache_.views(), kernels_, team_},
                {options.execute_mode, options.max_sequences, blocks_per_sequence(options)}) {
  executor_.set_tiles(tiles_for({model_.graph, model_.weights, kernels_, team_}, options_));
}

Engine::~Engine() = default;

void EngineStats::add(bool prefill, int64_t tokens, double seconds) {
  (prefill ? prefill_steps : decode_steps) += 1;
  (prefill ? prefill_tokens : decode_tokens) += tokens;
  (prefill ? prefill_seconds : decode_seconds) += seconds;
}

SequenceId Engine::add(Request request) {
  const auto length = static_cast<int64_t>(request.prompt.size());
  const int64_t limit = std::min(model_.config.max_position, options_.max_sequence_length);
  if (length == 0) fail("the prompt is empty: expected at least one token");
  if (length >= limit) {
    fail("the prompt has ", length, " tokens, expected at most ", limit - 1, ": the context holds ", limit,
         " tokens, prompt and output together");
  }
  for (const int32_t token : request.prompt) {
    if (token < 0 || token >= model_.config.vocab_size) {
      fail("the prompt holds token id ", token, ", expected 0 to ", model_.config.vocab_size - 1);
    }
  }
  CARAVAN_CHECK(request.max_output >= 1);
  Sampler sampler(request.sampling);
  auto sequence = std::make_unique<Sequence>(
      Sequence{next_id_++, std::move(request), std::move(sampler), {}, 0, 0, {}, {}});
  sequence->tokens = sequence->request.prompt;
  sequence->max_length = std::min(limit, length + sequence->request.max_output);
  waiting_.push_back(std::move(sequence));
  return waiting_.back()->id;
}

void Engine::cancel(SequenceId id) {
  const auto is_it = [id](const std::unique_ptr<Sequence>& sequence) { return sequence->id == id; };
  std::erase_if(waiting_, is_it);
  for (const auto& sequence : running_) {
    if (is_it(sequence)) sequence->blocks.clear(pool_);
  }
  std::erase_if(running_, is_it);
}

void Engine::admit() {
  while (!waiting_.empty() && static_cast<int64_t>(running_.size()) < options_.max_sequences) {
    Sequence& next = *waiting_.front();
    if (!next.blocks.reserve(next.max_length, kv_shape_.block_size, pool_)) return;
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

BatchPart Engine::part_of(Sequence& sequence, int64_t count) const {
  const int64_t end = sequence.computed + count;
  const bool completes = end == sequence.length();
  // The whole prompt counts from its first piece on, so that dynamic scaling does not depend on how it is
  // cut.
  const int64_t length = std::max(sequence.prompt_length(), end);
  sequence.rope_frequencies = rope_frequencies(model_.config.rope, model_.config.head_dim, length);
  const int64_t lacking = sequence.request.pad_prompt_to - sequence.prompt_length();
  const bool pads = completes && sequence.in_prompt() && lacking > 0;
  return {
      .tokens = std::span(sequence.tokens)
                    .subspan(static_cast<size_t>(sequence.computed), static_cast<size_t>(count)),
      .first_position = sequence.computed,
      .blocks = sequence.blocks.blocks,
      .rope_frequencies = sequence.rope_frequencies,
      .all_logits = sequence.request.keep_logits,
      .last_logits = completes,
      .padding = pads ? lacking : 0,
  };
}

std::vector<StepResult> Engine::step() {
  const double start = seconds_now();
  admit();
  std::vector<SequenceLengths> lengths;
  for (const auto& sequence : running_) lengths.push_back({sequence->length(), sequence->computed});
  const std::vector<StepPart> plan = plan_step(lengths, options_.max_batch_tokens);
  CARAVAN_CHECK(!plan.empty());

  std::vector<BatchPart> parts;
  bool prefill = false;
  int64_t tokens = 0;
  for (const StepPart& part : plan) {
    parts.push_back(part_of(*running_[part.index], part.count));
    prefill = prefill || running_[part.index]->in_prompt();
    tokens += part.count;
  }
  const Batch batch(parts);
  const TensorView all_logits = executor_.run(batch.inputs());

  std::vector<StepResult> results;
  const int64_t vocab = model_.config.vocab_size;
  for (size_t i = 0; i < plan.size(); ++i) {
    const int64_t first = batch.logit_rows_of_parts()[i];
    const int64_t rows = batch.logit_rows_of_parts()[i + 1] - first;
    const std::span<const float> logits(all_logits.as<float>() + first * vocab,
                                        static_cast<size_t>(rows * vocab));
    results.push_back(advance(*running_[plan[i].index], plan[i].count, logits));
  }
  for (const StepResult& result : results) {
    if (result.finish.has_value()) cancel(result.id);
  }
  stats_.add(prefill, tokens, seconds_now() - start);
  return results;
}

StepResult Engine::advance(Sequence& sequence, int64_t computed, std::span<const float> logits) {
  StepResult result = {.id = sequence.id, .token = {}, .finish = {}, .logits = {}};
  if (sequence.request.keep_logits) result.logits = logits;
  sequence.computed += computed;
  if (sequence.computed < sequence.length()) return result;
  const auto vocab = static_cast<size_t>(model_.config.vocab_size);
  const std::span<const int32_t> output = std::span(sequence.tokens).subspan(sequence.request.prompt.size());
  const int32_t token = sequence.sampler.sample(logits.last(vocab), sequence.request.prompt, output);
  sequence.tokens.push_back(token);
  result.token = token;
  const std::vector<int32_t>& stops = sequence.request.stop_tokens;
  if (std::find(stops.begin(), stops.end(), token) != stops.end()) {
    result.finish = FinishReason::kStop;
  } else if (sequence.length() >= sequence.max_length) {
    result.finish = FinishReason::kLength;
  }
  return result;
}

}  // namespace caravan
