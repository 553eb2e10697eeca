// A step's parts through the model: laid out as a batch, and what is to be told of the rows that come back.
#include <algorithm>

#include "base/machine.h"
#include "engine/engine.h"
#include "models/rope.h"

namespace caravan {

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
        ExecutorOptions{options_.execute_mode, options_.max_sequences,
                        kv_shape_.blocks_for(options_.max_sequence_length)});
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

}  // namespace caravan
