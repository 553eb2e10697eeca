// POST /v1/completions: reads a request into generations.
// Thread safety: pure, the tokenizer's rule aside.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve::openai {

/// A Call of one generation per prompt. Throws RequestError.
Outcome complete(const http::Request& request, const PathValues& values, const Context& context);

}  // namespace caravan::serve::openai
