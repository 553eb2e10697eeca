// A responder that tells the metrics what it answers.
// Thread safety: the I/O thread.
#pragma once

#include <memory>

#include "serve/http/responder.h"
#include "serve/metrics/metrics.h"

namespace caravan::serve {

/// Passes everything on to `responder`, counting the status, and the stream while it is open. `metrics`
/// outlives it.
std::shared_ptr<http::Responder> counted(std::shared_ptr<http::Responder> responder, ServerMetrics& metrics);

}  // namespace caravan::serve
