// The paths that belong to no dialect: metrics, and the web page with its files.
// Thread safety: the I/O thread.
#pragma once

#include <optional>
#include <string>

#include "serve/http/message.h"
#include "serve/metrics/metrics.h"

namespace caravan::serve {

/// The answer to a GET or HEAD of one of these paths; nothing for all others. `address` is the server's,
/// "127.0.0.1:8000".
std::optional<http::Response> answer_own_path(const http::Request& request, const ServerMetrics& metrics,
                                              const std::string& address);

/// Whether `path` is one of these.
bool is_own_path(const std::string& path);

/// Whether `request` needs no API key: health, metrics and the page tell nothing of anybody's requests.
bool is_open_path(const http::Request& request);

}  // namespace caravan::serve
