// Beam search's choice, a step at a time, with the rules of transformers' BeamSearchScorer and the names of
// vLLM. The caller holds the beams: it asks the model for each beam's likeliest tokens (logprobs.h), calls
// choose_beams, copies the sequences that live on, keeps those that finished, and ends when `done` or at its
// own limit of tokens; then beams that are still live count as finished with beam_score of their own length.
// Thread safety: free functions and value types.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/logprobs.h"

namespace caravan {

/// When the search ends once `width` beams have finished.
enum class EarlyStopping {
  kNo,     ///< when the best live beam, ended now, would not beat the worst of the finished
  kYes,    ///< at once
  kNever,  ///< when it could not at any length up to the limit either
};

struct BeamParams {
  int64_t width = 1;            ///< live beams, and finished ones that are kept
  double length_penalty = 1.0;  ///< above 0 favours longer texts, below 0 shorter ones
  EarlyStopping early_stopping = EarlyStopping::kNo;
  int64_t max_length = 1;                ///< output tokens at most
  std::vector<int32_t> eos_tokens = {};  ///< those that finish a beam; none with ignore_eos
};

/// All beams of a step have the same length.
struct LiveBeam {
  double cumulative = 0.0;                   ///< sum of its tokens' log-probabilities
  std::span<const TokenLogprob> candidates;  ///< its likeliest next tokens, candidates_per_beam of them
};

struct BeamExtension {
  size_t parent = 0;        ///< index of the live beam
  int32_t token = 0;        ///< that follows it
  double cumulative = 0.0;  ///< with the token's
};

struct FinishedBeam {
  BeamExtension extension;  ///< its token is an end-of-sequence token
  double score = 0.0;       ///< beam_score, whose length counts the end-of-sequence token
};

struct BeamChoice {
  std::vector<BeamExtension> live;     ///< best first; at most `width`
  std::vector<FinishedBeam> finished;  ///< of this step, best first
  bool done = false;                   ///< nothing that may come changes which finished beams are the best
};

/// Tokens that each beam must offer so that `width` go on even if every end-of-sequence token is among them:
/// twice the width for one such token, as in transformers.
int64_t candidates_per_beam(const BeamParams& params);

/// The score by which finished beams are compared: cumulative / length ^ length_penalty.
double beam_score(double cumulative, int64_t length, double length_penalty);

/// The next step. `length` is that of the live beams with the token that is now chosen, in output tokens, at
/// least 1; `finished` are the scores of all that finished before. Candidates of all beams are ranked by
/// cumulative log-probability, ties by parent, then by token; one that ends the text finishes a beam only if
/// it is among the first `width`.
BeamChoice choose_beams(const BeamParams& params, std::span<const LiveBeam> beams, int64_t length,
                        std::span<const double> finished);

}  // namespace caravan
