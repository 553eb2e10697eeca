// The status line and header fields of a response, and the bodies of the server's own errors.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "serve/http/message.h"

namespace caravan::http {

enum class BodyForm : uint8_t {
  kWhole,       ///< with Content-Length
  kChunked,     ///< a stream for HTTP/1.1
  kUntilClose,  ///< a stream for HTTP/1.0
};

/// How one response goes out.
struct HeadForm {
  BodyForm body = BodyForm::kWhole;
  bool keep_alive = true;
  bool http_1_0 = false;
  std::string request_id = {};
  std::optional<std::string> cors_origin = {};
};

/// Everything up to the empty line, which is included. Throws Error where a header of the response could not
/// be sent as it is: a name that is no token or is one that the server writes itself, or a value with control
/// characters; and for a stream of a status without body.
[[nodiscard]] std::string response_head(const Response& response, const HeadForm& form);

/// Whether the response itself asks for the connection to end: it has `Connection: close`.
[[nodiscard]] bool asks_to_close(const Response& response);

/// False for the statuses that HTTP gives no body: 204 and 304.
[[nodiscard]] bool has_body(int status);

/// The answer to a CORS preflight (the Fetch standard, section 3.2.2), or nothing if `request` is none.
[[nodiscard]] std::optional<Response> preflight_response(const Request& request);

}  // namespace caravan::http
