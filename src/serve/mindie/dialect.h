// MindIE's own dialect: its inference paths and what manages a server; and POST /generate, which TGI and
// vLLM's plain server both have. As MindIE-LLM's src/server answers.
// Thread safety: as dialect.h says of routes.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve {

/// POST /infer, /infer_token and /v1/tokenizer; GET /health/timed[-SECONDS], /stopService, /v1/config,
/// /v1/status and /v2/status.
Dialect mindie_dialect();

/// POST /generate alone: a body with `prompt` is vLLM's, else TGI's. Failures are in TGI's words.
Dialect generate_dialect();

/// {"error", "error_type"} and MindIE's status codes.
http::Response mindie_failure(const Failure& failure);

}  // namespace caravan::serve
