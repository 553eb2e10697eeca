// The parameters of a generation under the names that MindIE's own dialect and its Triton form share, as
// MindIE-LLM's infer_param.cpp reads them.
// Thread safety: pure functions, random seeds aside.
#pragma once

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve {

/// What such a request asks beside its Generation.
struct PlainParameters {
  bool details = false;
  bool sampled = false;  ///< tokens are drawn: the seed means something
};

/// Tokens where a request names no limit.
constexpr int64_t kPlainMaxNewTokens = 20;

/// Reads do_sample, temperature, top_k, top_p, typical_p, seed, repetition_penalty, watermark (refused),
/// max_new_tokens, priority (1 … 5, 1 first), timeout (seconds) and details into `generation`, whose prompt
/// is set already. Without do_sample, tokens are drawn where one of temperature, top_k, top_p and typical_p
/// is given; temperature 0 (only where `zero_is_greedy`) means greedy. As in MindIE, a max_new_tokens over
/// the context's room ends with it. Throws RequestError.
PlainParameters read_plain_parameters(const Fields& fields, const ModelView& model, bool zero_is_greedy,
                                      Generation& generation);

}  // namespace caravan::serve
