// A request's target (RFC 9112 section 3.2) taken apart: path and query, percent-decoded.
// Thread safety: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace caravan::http {

struct Target {
  std::string path;
  std::map<std::string, std::string> query;
};

/// Takes "/path?query", "http://host/path?query" or "*". In the query "+" is a space, and of equal names the
/// last counts. Throws Error for another form, a bad escape, a fragment, and for what is not UTF-8 or has
/// control characters once decoded.
[[nodiscard]] Target parse_target(std::string_view target);

/// `text` with each %XX replaced by its byte, and each "+" by a space where `plus_is_space`. Throws Error
/// where two hexadecimal digits do not follow a "%".
[[nodiscard]] std::string percent_decoded(std::string_view text, bool plus_is_space);

}  // namespace caravan::http
