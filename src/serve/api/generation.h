// What every dialect's request becomes, and what comes back: the one form between the dialects and the
// engine. Thread safety: value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sampling/sampler.h"
#include "text/grammar/guide_spec.h"

namespace caravan::serve {

/// One prompt and how to continue it.
struct Generation {
  std::vector<int32_t> prompt;            ///< ids, at least one, special tokens included
  std::string prompt_text;                ///< as given, or decoded from ids: what `echo` repeats
  SamplingParams sampling;                ///< temperature 0: greedy
  int64_t max_output = 0;                 ///< tokens; 0: none (the prompt is only scored or embedded)
  int64_t min_output = 0;                 ///< no stop token before so many
  bool ignore_eos = false;                ///< the model's own stop tokens do not count
  std::vector<int32_t> stop_tokens;       ///< beside the model's own
  std::vector<std::string> stop_strings;  ///< none empty; the text ends before the first of these
  bool include_stop_string = false;       ///< the text keeps it
  bool skip_special_tokens = true;        ///< special tokens add no text

  int64_t choices = 1;     ///< how many continuations are answered (`n`)
  int64_t candidates = 1;  ///< how many are made, at least `choices` (`best_of`); also the beams' number
  bool ranked = false;     ///< choices come likeliest first (by mean log-probability), not in order of making
  bool beam_search = false;
  double length_penalty = 1.0;  ///< of beam search: a score is the log-probability / length ^ penalty
  bool early_stopping = false;  ///< of beam search: done once `candidates` beams have ended

  std::optional<int64_t> top_logprobs;  ///< report log-probabilities: of the token, and of so many likeliest
  std::optional<int64_t> prompt_logprobs;  ///< the same for the prompt's tokens
  std::optional<GuideSpec> guide;          ///< what the text must match; none: anything
  std::string guide_field;                 ///< the request's field that asks for it, for messages
  bool embed = false;                      ///< answer the mean of the last hidden states instead

  int64_t priority = 0;                   ///< smaller runs earlier, as in vLLM
  std::optional<double> timeout_seconds;  ///< ends with Ending::kTimeout after so long
};

struct TopToken {
  int32_t id = 0;
  double logprob = 0.0;
};

struct TokenResult {
  int32_t id = 0;
  std::string piece;              ///< the text that became showable with it
  std::optional<double> logprob;  ///< where asked for; nothing for a prompt's first token
  int64_t rank = 0;               ///< 1: the likeliest; 0 where no log-probability was asked for
  std::vector<TopToken> top;      ///< likeliest first; as many as asked for
};

enum class Ending : uint8_t {
  kStopToken,   ///< one of the model's or of the request's
  kStopString,  ///< one of the request's
  kLength,      ///< max_output, or the context is full
  kTimeout,     ///< timeout_seconds
};

/// How one continuation ended.
struct Finish {
  Ending ending = Ending::kLength;
  std::optional<int32_t> stop_token;  ///< which
  std::string stop_string;            ///< which
};

/// What one step added to one choice. Pieces of text together are the choice's text; none holds a part of a
/// character or of a stop string, so that text may come later than its tokens, or not at all.
struct ChoiceEvent {
  size_t generation = 0;  ///< index into Call::generations
  size_t choice = 0;      ///< below its `choices`
  std::string text;
  std::vector<TokenResult> tokens;
  std::optional<Finish> finish;  ///< with the last event of the choice
  double step_seconds = 0.0;     ///< since this choice's last token; for the first since the request came
};

struct ChoiceResult {
  std::string text;
  std::vector<TokenResult> tokens;  ///< the stop token included
  Finish finish;
  double cumulative_logprob = 0.0;
};

struct GenerationResult {
  std::vector<TokenResult> prompt_tokens;  ///< where prompt_logprobs was asked for
  std::vector<ChoiceResult> choices;
  std::vector<float> embedding;  ///< [hidden], where `embed` was asked for
  int64_t prompt_count = 0;      ///< tokens
  int64_t cached_count = 0;      ///< of them, found in the prefix cache
  int64_t output_count = 0;      ///< tokens of all candidates
  uint64_t seed = 0;             ///< that was used
  double queue_seconds = 0.0;
  double first_token_seconds = 0.0;  ///< from arrival
  double total_seconds = 0.0;
};

}  // namespace caravan::serve
