// The KServe v2 protocol ("open inference protocol") with Triton's generate extension and MindIE's additions,
// over HTTP and JSON; tensors may be binary in requests.
// Thread safety: as dialect.h says of routes.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve {

/// /v2, /v2/health/{live,ready}, and under /v2/models/{model}[/versions/{version}]: metadata, /ready,
/// /config, /infer, /generate, /generate_stream, /stopInfer and /getSlotCount.
Dialect kserve_dialect();

/// {"error"} as Triton has it, with MindIE's "error_type" beside.
http::Response kserve_failure(const Failure& failure);

}  // namespace caravan::serve
