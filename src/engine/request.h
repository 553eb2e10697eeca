// What the engine is asked for one prompt, and what it answers step by step.
// Thread safety: value types.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/logprobs.h"
#include "sampling/sampler.h"
#include "text/grammar/guide.h"

namespace caravan {

/// Beam search (Graves, 2012; Wu et al., 2016, arXiv:1609.08144 for the length penalty): the likeliest texts
/// instead of sampled ones.
struct BeamSearch {
  double length_penalty = 1.0;  ///< a beam's score is its log-probability / length ^ penalty
  bool early_stopping = false;  ///< done as soon as so many beams have ended as were asked for
};

struct Request {
  std::vector<int32_t> prompt;  ///< at least one token
  SamplingParams sampling = {};
  int64_t max_output = 0;  ///< tokens of each choice; 0: the prompt is only computed
  int64_t min_output = 0;  ///< no stop token before so many
  std::vector<int32_t> stop_tokens =
      {};  ///< generation ends with the first of these; empty to go on to max_output
  /// Continuations of the one prompt, whose blocks they share. Choice i samples with seed + i.
  int64_t choices = 1;
  std::optional<BeamSearch> beams = {};             ///< `choices` beams; sampling does not count then
  std::optional<int64_t> logprobs = {};             ///< report each token's, and those of so many likeliest
  std::optional<int64_t> prompt_logprobs = {};      ///< the same for the prompt's tokens
  std::shared_ptr<const CompiledGuide> guide = {};  ///< what the text must match; none: anything
  bool embed = false;                               ///< report the mean of the last hidden states, and end
  std::string client = {};                          ///< whom its service is charged to
  int64_t priority = 0;                             ///< smaller runs earlier
  /// Rows that the prompt's prefill is padded to, so that shapes are fixed; 0 for none. Changes no output.
  int64_t pad_prompt_to = 0;
  bool keep_logits = false;  ///< report the logits of every position, not of the sampled ones only
};

enum class FinishReason : uint8_t {
  kStop,     ///< a stop token, or a stop string that the caller found, or the guide's end
  kLength,   ///< max_output reached, or the context is full
  kDeadEnd,  ///< no token of this vocabulary continues what the guide asks for
};

/// "stop", "length": the OpenAI API's words; "error" for a dead end.
constexpr std::string_view name_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kDeadEnd:
      break;
  }
  return "error";
}

using SequenceId = int64_t;

/// A text that beam search found.
struct Beam {
  std::vector<int32_t> tokens;  ///< of the output, a stop token at its end included
  double logprob = 0.0;         ///< of all its tokens
  double score = 0.0;
  FinishReason finish = FinishReason::kLength;
};

/// What one step did for one choice of a request.
struct StepResult {
  SequenceId id = 0;
  int64_t choice = 0;
  std::optional<int32_t> token;        ///< the new token; nothing while the prompt is still being computed
  std::optional<FinishReason> finish;  ///< set with the last result of the choice; it is gone afterwards
  /// Of the positions computed in this step, fp32 [rows, vocab], if the request keeps them; valid until the
  /// next step.
  std::span<const float> logits;
  std::optional<Logprobs> logprobs;       ///< of `token`, if asked for
  std::vector<Logprobs> prompt_logprobs;  ///< of the prompt's next tokens, from its second on, if asked for
  std::vector<Beam> beams;                ///< likeliest first; with the one result of a beam search
  std::vector<float> embedding;           ///< [hidden]; with the one result of an embedding
};

/// A request has left the queue for the first time.
struct Admission {
  SequenceId id = 0;
  int64_t cached_tokens = 0;  ///< of the prompt, found in the prefix cache
};

}  // namespace caravan
