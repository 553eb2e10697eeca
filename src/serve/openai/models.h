// GET /v1/models, /v1/models/{model}, /version, /health and /ready.
// Thread safety: pure functions.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve::openai {

Outcome list_models(const http::Request& request, const PathValues& values, const Context& context);
/// Throws RequestError (404) for any other name than the model's.
Outcome show_model(const http::Request& request, const PathValues& values, const Context& context);
Outcome version(const http::Request& request, const PathValues& values, const Context& context);
/// 200 or 503, with an empty body, as vLLM's: whether the engine lives.
Outcome health(const http::Request& request, const PathValues& values, const Context& context);
/// 200 or 503: whether the server takes requests; the body says what it is doing.
Outcome ready(const http::Request& request, const PathValues& values, const Context& context);

}  // namespace caravan::serve::openai
