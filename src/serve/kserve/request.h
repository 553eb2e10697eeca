// What /generate and /infer have in common: a request's id, its parameters, and how they end up in a
// Generation. Thread safety: pure functions, random seeds aside.
#pragma once

#include <optional>

#include "serve/api/plain_parameters.h"

namespace caravan::serve {

/// The request's own "id", at most 256 letters, digits, "_" and "-", or nothing.
std::optional<std::string> request_id(const Fields& body);

/// Reads MindIE's parameters, and vLLM's as Triton's backend for it has them (`max_tokens` for
/// `max_new_tokens`, `stop` …). The prompt is set already.
PlainParameters read_kserve_parameters(const Json& parameters, const ModelView& model,
                                       Generation& generation);

}  // namespace caravan::serve
