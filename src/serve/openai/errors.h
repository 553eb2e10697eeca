// Failures in OpenAI's words: {"error": {message, type, param, code}} and the status.
// Thread safety: pure functions.
#pragma once

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve::openai {

/// The body of an error.
Json failure_json(const Failure& failure);

/// 400, 401, 403, 404, 405, 408, 413, 429, 500 or 503.
http::Response failure_response(const Failure& failure);

/// Throws RequestError (404, model_not_found) unless the field `model` is absent, empty, the model's name, or
/// what TGI's clients write where they know no name.
void check_model(const Fields& fields, const ModelView& model);

/// The RequestError of a model that is not served.
[[noreturn]] void no_such_model(const std::string& name);

}  // namespace caravan::serve::openai
