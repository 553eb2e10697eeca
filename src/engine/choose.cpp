#include "engine/choose.h"

#include <algorithm>

#include "base/error.h"
#include "engine/beams.h"
#include "sampling/token_mask.h"

namespace caravan {

namespace {

/// Puts the tokens that are allowed into sequence.mask: none there means all. Returns how the text ends if
/// none is.
std::optional<FinishReason> restrict(Sequence& sequence, size_t vocab) {
  const Request& request = sequence.group->request;
  const bool must_go_on = static_cast<int64_t>(sequence.output().size()) < request.min_output;
  const bool guided = sequence.matcher.has_value();
  sequence.mask.clear();
  if (!guided && !must_go_on) return std::nullopt;
  const size_t words = mask_words(vocab);
  if (guided) {
    sequence.mask.resize(std::max(words, sequence.matcher->guide().trie().mask_words()));
    if (!sequence.matcher->allowed(sequence.mask))
      return sequence.matcher->may_end() ? FinishReason::kStop : FinishReason::kDeadEnd;
    sequence.mask.resize(words);
  } else {
    sequence.mask.assign(words, ~uint64_t{0});
  }
  if (vocab % 64 != 0) sequence.mask.back() &= (uint64_t{1} << (vocab % 64)) - 1;
  if (must_go_on) {
    for (const int32_t stop : request.stop_tokens) {
      const auto bit = static_cast<size_t>(stop);
      if (bit < vocab) sequence.mask[bit / 64] &= ~(uint64_t{1} << (bit % 64));
    }
  }
  const bool any =
      std::any_of(sequence.mask.begin(), sequence.mask.end(), [](uint64_t word) { return word != 0; });
  if (any) return std::nullopt;
  return guided && sequence.matcher->may_end() ? FinishReason::kStop : FinishReason::kDeadEnd;
}

/// Fills the candidates of a beam: what is forbidden does not count, and the rest is a distribution of its
/// own.
void offer_candidates(Sequence& sequence, std::span<const float> logits) {
  const int64_t count = candidates_per_beam(beam_params_of(*sequence.group));
  if (sequence.mask.empty()) {
    sequence.candidates = logprobs_of(logits, 0, count).top;
    return;
  }
  std::vector<float> kept(logits.size());
  copy_allowed(logits, sequence.mask, kept);
  sequence.candidates = logprobs_of(kept, 0, count).top;
}

void choose_token(Choice& choice) {
  Sequence& sequence = *choice.sequence;
  const Group& group = *sequence.group;
  StepResult& result = choice.result;
  result.finish = restrict(sequence, choice.logits.size());
  if (result.finish.has_value()) return;
  if (group.request.beams.has_value()) {
    offer_candidates(sequence, choice.logits);
    return;
  }
  const std::span<const int32_t> prompt =
      std::span(sequence.tokens).first(static_cast<size_t>(sequence.prompt_length));
  const int32_t token = sequence.sampler.sample(choice.logits, prompt, sequence.output(), sequence.mask);
  result.token = token;
  if (group.request.logprobs.has_value())
    result.logprobs = logprobs_of(choice.logits, token, *group.request.logprobs);
  if (is_stop(group.request, token)) {
    result.finish = FinishReason::kStop;
  } else if (sequence.length() + 1 >= group.max_length) {
    result.finish = FinishReason::kLength;
  }
  sequence.dead_end = !guide_takes(sequence, token);
  if (sequence.dead_end) result.finish = FinishReason::kDeadEnd;
}

}  // namespace

bool is_stop(const Request& request, int32_t token) {
  return std::find(request.stop_tokens.begin(), request.stop_tokens.end(), token) !=
         request.stop_tokens.end();
}

bool guide_takes(Sequence& sequence, int32_t token) {
  try {
    return !sequence.matcher.has_value() || sequence.matcher->accept_token(token);
  } catch (const Error&) {
    return false;
  }
}

void choose(Choice& choice) {
  StepResult& result = choice.result;
  if (choice.sequence->dead_end) {
    result.finish = FinishReason::kDeadEnd;
    return;
  }
  if (choice.sequence->group->request.max_output == 0) {
    result.finish = FinishReason::kLength;
    return;
  }
  try {
    choose_token(choice);
  } catch (const Error&) {
    result.token.reset();
    result.finish = FinishReason::kDeadEnd;
  }
}

}  // namespace caravan
