// Where the server is, from an address as people write it.
// Thread safety: value types.
#pragma once

#include <string>

namespace caravan::load {

struct Url {
  bool tls = false;
  std::string host;  ///< without the brackets of an IPv6 address
  std::string port;
  std::string path;  ///< before "/v1", without a slash at its end: "" or "/some/proxy"

  /// "host:port" as the Host field and messages have it.
  [[nodiscard]] std::string authority() const;
};

/// "http://127.0.0.1:8000", with or without "/v1" at its end. Throws Error, naming `flag`, on anything else:
/// another scheme, a user name, a query.
Url parse_url(const std::string& flag, const std::string& text);

}  // namespace caravan::load
