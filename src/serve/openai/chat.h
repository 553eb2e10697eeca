// POST /v1/chat/completions: reads a request into one generation.
// Thread safety: pure, the tokenizer's rule aside.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve::openai {

/// A Call. Throws RequestError.
Outcome chat(const http::Request& request, const PathValues& values, const Context& context);

}  // namespace caravan::serve::openai
