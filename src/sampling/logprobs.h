// Log-probabilities as the OpenAI API and vLLM report them: of the model's own logits, before mask, bias,
// penalties and temperature. Thread safety: a free function and value types.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace caravan {

struct TokenLogprob {
  int32_t token = 0;
  float logprob = 0.0F;  ///< natural logarithm; minus infinity for a token that cannot be
};

struct Logprobs {
  float logprob = 0.0F;           ///< the token's that was asked for
  int64_t rank = 0;               ///< its place among all: 1 is the likeliest
  std::vector<TokenLogprob> top;  ///< likeliest first
};

/// Of `token` in `logits` [vocab], and of the `top` likeliest tokens (fewer if the rest are at minus
/// infinity). Ties go to the lowest id, in `top` and in `rank`. NaN counts as minus infinity; a row that is
/// all minus infinity has equal probabilities. The error is at most 1e-6, plus that of rounding to a float.
/// The same logits give the same bits on every machine.
Logprobs logprobs_of(std::span<const float> logits, int32_t token, int64_t top);

}  // namespace caravan
