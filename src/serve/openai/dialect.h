// The OpenAI dialect: the paths of OpenAI's API, and those that vLLM's server has beside them.
//
// What counts where the two differ: fields, ranges and errors are OpenAI's; fields that only vLLM has are as
// there, and its wider ranges hold where a client would miss them (logprobs up to 20, stop up to 16). Fields
// that neither knows are ignored. What a request leaves out is the checkpoint's own recommendation
// (sampling_fields.h). Thread safety: the functions of the routes keep no state.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve {

Dialect openai_dialect();

}  // namespace caravan::serve
