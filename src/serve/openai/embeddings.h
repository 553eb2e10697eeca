// POST /v1/embeddings: the mean of the last hidden states of each input.
// Thread safety: pure, the tokenizer's rule aside.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve::openai {

/// A Call of one generation per input. Throws RequestError.
Outcome embed(const http::Request& request, const PathValues& values, const Context& context);

}  // namespace caravan::serve::openai
