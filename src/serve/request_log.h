// One line in the log for each request, as fields: name=value, with times in milliseconds.
// Thread safety: any thread.
#pragma once

#include "serve/metrics/metrics.h"
#include "serve/open_call.h"

namespace caravan::serve {

/// "request id=… path=… prompt=… cached=… output=… queue_ms=… ttft_ms=… tpot_ms=… total_ms=… finish=…".
std::string request_line(const CallOrigin& origin, const RequestFigures& figures, int64_t cached_tokens);

/// At level info.
void log_request(const CallOrigin& origin, const RequestFigures& figures, int64_t cached_tokens);

/// A request that never ran: at level info, with its reason.
void log_refusal(const CallOrigin& origin, const Failure& failure);

}  // namespace caravan::serve
