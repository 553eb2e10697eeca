// What the engine is asked for one sequence, and what it answers step by step.
// Thread safety: value types.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sampling/sampler.h"

namespace caravan {

struct Request {
  std::vector<int32_t> prompt;  ///< at least one token
  SamplingParams sampling;
  int64_t max_output = 0;  ///< tokens, at least 1
  std::vector<int32_t>
      stop_tokens;  ///< generation ends with the first of these; empty to go on to max_output
  /// Rows that the prompt's prefill is padded to, so that shapes are fixed; 0 for none. Changes no output.
  int64_t pad_prompt_to = 0;
  bool keep_logits = false;  ///< report the logits of every position, not of the sampled ones only
};

enum class FinishReason : uint8_t {
  kStop,    ///< a stop token, or a stop string that the caller found
  kLength,  ///< max_output reached, or the context is full
};

/// "stop", "length": the OpenAI API's words.
constexpr std::string_view name_of(FinishReason reason) {
  return reason == FinishReason::kStop ? "stop" : "length";
}

using SequenceId = int64_t;

/// What one step did for one sequence.
struct StepResult {
  SequenceId id = 0;
  std::optional<int32_t> token;        ///< the new token; nothing while the prompt is still being computed
  std::optional<FinishReason> finish;  ///< set with the last token; the sequence is gone afterwards
  /// Of the positions computed in this step, fp32 [rows, vocab], if the request keeps them; valid until the
  /// next step.
  std::span<const float> logits;
};

}  // namespace caravan
