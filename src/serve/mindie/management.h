// The paths by which a cluster's manager looks after a MindIE server.
// Thread safety: pure functions; the answer of the health probe belongs to its request.
#pragma once

#include "serve/api/dialect.h"

namespace caravan::serve {

/// GET /health/timed and /health/{timed}: generates one token within 10, or so many, seconds.
Outcome mindie_health_timed(const http::Request& request, const PathValues& values, const Context& context);
/// GET /stopService[?mode=Force], for clients on this machine or with a key; pages in a browser need a key.
Outcome mindie_stop_service(const http::Request& request, const PathValues& values, const Context& context);
/// GET /v1/config
Outcome mindie_config(const http::Request& request, const PathValues& values, const Context& context);
/// GET /v1/status
Outcome mindie_status_v1(const http::Request& request, const PathValues& values, const Context& context);
/// GET /v2/status
Outcome mindie_status_v2(const http::Request& request, const PathValues& values, const Context& context);
/// POST /v1/tokenizer {"inputs", "do_decode"}: how many tokens the text has, and their texts.
Outcome mindie_tokenizer(const http::Request& request, const PathValues& values, const Context& context);

}  // namespace caravan::serve
