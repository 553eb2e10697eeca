// A request and a response of HTTP as the rest of the server sees them, without a socket.
// Thread safety: value types.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caravan::http {

/// Whether two names of header fields are the same: ASCII letters compare without regard to case.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b);

/// Names compare without regard to case; a name may appear more than once.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// The first value of `name`, or nothing.
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;                        ///< "GET"; a HEAD comes as "GET", and its body is not sent
  std::string path;                          ///< percent-decoded UTF-8, without the query: "/v1/models"
  std::map<std::string, std::string> query;  ///< percent-decoded UTF-8; the last of equal names
  Headers headers;
  std::string body;            ///< trailers of a chunked one are dropped, as RFC 9110 section 6.5.1 allows
  std::string id;              ///< the client's X-Request-Id where it sent a sane one, else made here
  std::string peer;            ///< the client's address
  bool from_loopback = false;  ///< the client is on this machine
  bool authorized = false;     ///< showed a valid API key
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";  ///< empty: none is sent
  std::string body;
  /// Beside Content-Type, Content-Length, Transfer-Encoding and X-Request-Id, which the server writes.
  /// `Connection: close` ends the connection after this response.
  std::vector<std::pair<std::string, std::string>> headers;
};

}  // namespace caravan::http
