#include "engine/engine.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "base/machine.h"
#include "engine/memory.h"
#include "engine/tuning.h"
#include "models/rope.h"

namespace caravan {

namespace {

/// A scored prompt needs logits of all its rows, which take far more memory than the rest of a step.
constexpr int64_t kScoredRows = 256;
/// Members of a request, over its whole life: those of 20 beams that fork at each of 2^19 tokens.
constexpr int64_t kMaxMembers = int64_t{1} << 24U;

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

Sequence& sequence_of(const StepPart& part) { return static_cast<Sequence&>(*part.sequence); }

}  // namespace

Engine::Engine(Model model, const EngineOptions& options)
    : model_(std::move(model)),
      options_(options),
      kv_shape_(checked_cache_shape(model_, options)),
      cache_(kv_shape_, model_.dtype),
      pool_(static_cast<int32_t>(kv_shape_.blocks)),
      scheduler_(scheduler_options(options, kv_shape_, model_.config), pool_),
      team_(options.threads, options.bind_cpu),
      kernels_(select_kernels(options.isa)),
      executor_({model_.graph, model_.weights, cache_.views(), kernels_, team_},
                {options.execute_mode, options.max_sequences, blocks_per_sequence(options)}) {
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

int64_t Engine::max_length() const {
  return std::min(
      {model_.config.max_position, options_.max_sequence_length, kv_shape_.blocks * kv_shape_.block_size});
}

void Engine::check(const Request& request) const {
  const auto length = static_cast<int64_t>(request.prompt.size());
  const int64_t limit = max_length();
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
  if (request.choices > options_.max_sequences) {
    fail("the request asks for ", request.choices, " choices, expected at most ", options_.max_sequences,
         ": so many sequences run together");
  }
  // Beams wait for one another, so all must fit at once.
  if (!request.beams.has_value()) return;
  const int64_t longest = std::min(limit, length + request.max_output);
  const int64_t blocks = (longest + kv_shape_.block_size - 1) / kv_shape_.block_size * request.choices;
  if (blocks > kv_shape_.blocks) {
    fail(request.choices, " beams of up to ", longest, " tokens need ", blocks,
         " blocks of the KV cache, expected at most ", kv_shape_.blocks);
  }
}

SequenceId Engine::add(Request request) {
  check(request);
  CARAVAN_CHECK(request.max_output >= 0 && request.choices >= 1);
  auto group = std::make_unique<Group>();
  group->id = next_id_++;
  group->request = std::move(request);
  const Request& asked = group->request;
  const auto length = static_cast<int64_t>(asked.prompt.size());
  group->max_length = std::min(max_length(), length + asked.max_output);

  auto sequence = std::make_unique<Sequence>(group.get(), asked);
  sequence->id = group->id * kMaxMembers + group->made++;
  sequence->client = asked.client;
  sequence->priority = asked.priority;
  sequence->places = asked.choices;
  sequence->tokens = asked.prompt;
  sequence->prompt_length = length;
  sequence->max_length = group->max_length;
  sequence->one_by_one = depends_on_length(model_.config.rope);
  // Whoever wants something of every row must compute every row.
  const bool scored = asked.keep_logits || asked.prompt_logprobs.has_value();
  sequence->may_adopt = !scored && !asked.embed;
  if (scored) sequence->max_rows = kScoredRows;
  if (asked.guide != nullptr) sequence->matcher.emplace(asked.guide, asked.stop_tokens);
  scheduler_.add(sequence.get());
  group->members.push_back(std::move(sequence));
  const SequenceId id = group->id;
  groups_.emplace(id, std::move(group));
  return id;
}

void Engine::cancel(SequenceId id) {
  const auto found = groups_.find(id);
  if (found == groups_.end()) return;
  for (const auto& member : found->second->members) scheduler_.remove(member.get());
  groups_.erase(found);
}

void Engine::cancel(SequenceId id, int64_t choice) {
  const auto found = groups_.find(id);
  if (found == groups_.end()) return;
  const auto& members = found->second->members;
  const auto member = std::find_if(members.begin(), members.end(),
                                   [choice](const auto& other) { return other->choice == choice; });
  if (member != members.end()) remove(**member);
}

void Engine::remove(Sequence& sequence) {
  Group& group = *sequence.group;
  scheduler_.remove(&sequence);
  std::erase_if(group.members, [&sequence](const auto& member) { return member.get() == &sequence; });
  if (group.members.empty()) groups_.erase(group.id);
}

BatchPart Engine::part_of(Sequence& sequence, int64_t count) const {
  const Request& request = sequence.group->request;
  const int64_t end = sequence.computed + count;
  const bool completes = end == sequence.length();
  if (rope_frequencies_.empty()) {
    // The whole prompt counts from its first piece on, so that dynamic scaling does not depend on how it is
    // cut.
    const int64_t length = std::max(sequence.prompt_length, end);
    sequence.rope_frequencies = rope_frequencies(model_.config.rope, model_.config.head_dim, length);
  }
  const int64_t lacking = request.pad_prompt_to - sequence.prompt_length;
  const bool pads = completes && sequence.in_prompt() && lacking > 0;
  const bool scored = request.prompt_logprobs.has_value() && sequence.in_prompt();
  return {
      .tokens = std::span(sequence.tokens)
                    .subspan(static_cast<size_t>(sequence.computed), static_cast<size_t>(count)),
      .first_position = sequence.computed,
      .blocks = sequence.blocks.blocks,
      .rope_frequencies = rope_frequencies_.empty() ? sequence.rope_frequencies : rope_frequencies_,
      .all_logits = request.keep_logits || request.embed || scored,
      .last_logits = completes,
      .padding = pads ? lacking : 0,
  };
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
    std::vector<SequenceId> beams;
    for (Choice& choice : choices) {
      const Group& group = *choice.sequence->group;
      if (!group.request.beams.has_value()) {
        apply(choice, results);
        continue;
      }
      if (choice.result.finish.has_value())
        end_beam(*choice.sequence, choice.result.finish == FinishReason::kStop);
      if (beams.empty() || beams.back() != group.id) beams.push_back(group.id);
    }
    for (const SequenceId id : beams) advance_beams(id, results);
  }
  stats_.add(prefill, tokens, seconds_now() - start);
  return results;
}

std::vector<Choice> Engine::run_parts(std::span<const StepPart> parts, std::vector<StepResult>& results) {
  std::vector<BatchPart> batch_parts;
  for (const StepPart& part : parts) batch_parts.push_back(part_of(sequence_of(part), part.count));
  const Batch batch(batch_parts);
  const double start = seconds_now();
  const TensorView logits = executor_.run(batch.inputs());
  const double seconds = seconds_now() - start;
  stats_.model_seconds += seconds;

  std::vector<Choice> choices;
  const auto vocab = static_cast<size_t>(model_.config.vocab_size);
  const std::vector<int64_t>& rows = batch.logit_rows_of_parts();
  for (size_t i = 0; i < parts.size(); ++i) {
    Sequence& sequence = sequence_of(parts[i]);
    const std::span<const float> own(logits.as<float>() + rows[i] * model_.config.vocab_size,
                                     static_cast<size_t>(rows[i + 1] - rows[i]) * vocab);
    StepResult result = report_of(parts[i], own);
    sequence.reported = std::max(sequence.reported, sequence.computed + parts[i].count);
    if (sequence.missing() == parts[i].count) {
      choices.push_back({&sequence, own.last(vocab), std::move(result)});
    } else if (!result.logits.empty() || !result.prompt_logprobs.empty()) {
      results.push_back(std::move(result));
    }
  }
  scheduler_.done(parts, seconds);
  return choices;
}

StepResult Engine::report_of(const StepPart& part, std::span<const float> logits) const {
  const Sequence& sequence = sequence_of(part);
  const Request& request = sequence.group->request;
  StepResult result;
  result.id = sequence.group->id;
  result.choice = sequence.choice;
  const auto vocab = static_cast<size_t>(model_.config.vocab_size);
  const int64_t first = std::max(sequence.computed, sequence.reported);
  const int64_t end = sequence.computed + part.count;
  if (request.keep_logits && first < end)
    result.logits = logits.last(static_cast<size_t>(end - first) * vocab);
  if (!request.prompt_logprobs.has_value()) return result;
  for (int64_t position = first; position < std::min(end, sequence.prompt_length - 1); ++position) {
    const auto row = static_cast<size_t>(position - sequence.computed);
    result.prompt_logprobs.push_back(logprobs_of(logits.subspan(row * vocab, vocab),
                                                 sequence.tokens[static_cast<size_t>(position) + 1],
                                                 *request.prompt_logprobs));
  }
  return result;
}

void Engine::embed_parts(std::span<const StepPart> parts, std::vector<StepResult>& results) {
  if (embedder_ == nullptr) {
    embedder_ = std::make_unique<Embedder>(
        ExecutorResources{model_.graph, model_.weights, cache_.views(), kernels_, team_},
        ExecutorOptions{options_.execute_mode, options_.max_sequences, blocks_per_sequence(options_)});
  }
  const double start = seconds_now();
  for (const StepPart& part : parts) {
    Sequence& sequence = sequence_of(part);
    // Its first piece, or its first again after preemption.
    if (sequence.computed == 0) sequence.group->hidden_sum.clear();
    const Batch batch({part_of(sequence, part.count)});
    embedder_->add_hidden(batch.inputs(), sequence.group->hidden_sum);
  }
  const double seconds = seconds_now() - start;
  stats_.model_seconds += seconds;
  scheduler_.done(parts, seconds);
  for (const StepPart& part : parts) {
    Sequence& sequence = sequence_of(part);
    if (sequence.missing() > 0) continue;
    StepResult result;
    result.id = sequence.group->id;
    result.finish = FinishReason::kStop;
    for (const double sum : sequence.group->hidden_sum)
      result.embedding.push_back(static_cast<float>(sum / static_cast<double>(sequence.prompt_length)));
    results.push_back(std::move(result));
    remove(sequence);
  }
}

Sequence& Engine::fork(const Sequence& parent) {
  Group& group = *parent.group;
  auto child = std::make_unique<Sequence>(parent);
  CARAVAN_CHECK(group.made < kMaxMembers);
  child->id = group.id * kMaxMembers + group.made++;
  child->blocks = {};
  const std::optional<BlockCopy> copy = scheduler_.fork(parent, child.get());
  if (copy.has_value()) cache_.copy_block(copy->from, copy->to);
  group.members.push_back(std::move(child));
  return *group.members.back();
}

void Engine::fork_choices(std::vector<Choice>& choices) {
  const size_t computed = choices.size();
  for (size_t i = 0; i < computed; ++i) {
    Sequence& first = *choices[i].sequence;
    Group& group = *first.group;
    if (group.forked || group.request.beams.has_value()) continue;
    group.forked = true;
    first.places = 1;
    for (int64_t choice = 1; choice < group.request.choices; ++choice) {
      Sequence& other = fork(first);
      other.choice = choice;
      SamplingParams sampling = group.request.sampling;
      sampling.seed += static_cast<uint64_t>(choice);
      other.sampler = Sampler(sampling);
      StepResult result;
      result.id = group.id;
      result.choice = choice;
      choices.push_back({&other, choices[i].logits, std::move(result)});
    }
  }
}

void Engine::choose_all(std::vector<Choice>& choices) {
  if (choices.size() == 1) return choose(choices.front());
  std::atomic<size_t> taken{0};
  team_.run([&](Lane /*lane*/) {
    for (size_t i = taken.fetch_add(1); i < choices.size(); i = taken.fetch_add(1)) choose(choices[i]);
  });
}

void Engine::apply(Choice& choice, std::vector<StepResult>& results) {
  Sequence& sequence = *choice.sequence;
  if (choice.result.token.has_value()) sequence.tokens.push_back(*choice.result.token);
  const bool ends = choice.result.finish.has_value();
  if (ends && sequence.matcher.has_value()) {
    stats_.guide_steps += sequence.matcher->cost().steps;
    stats_.guide_seconds += sequence.matcher->cost().seconds;
  }
  results.push_back(std::move(choice.result));
  if (ends) remove(sequence);
}

}  // namespace caravan
