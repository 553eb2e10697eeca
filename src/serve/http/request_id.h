// The name of a request that both sides' logs show: X-Request-Id.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace caravan::http {

/// Whether a client's own id is taken over: 1 to 128 visible ASCII characters, which no log line or header
/// can be broken with.
[[nodiscard]] bool sane_request_id(std::string_view id);

/// 128 random bits as 32 hexadecimal digits.
[[nodiscard]] std::string make_request_id();

}  // namespace caravan::http
