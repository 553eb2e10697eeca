// An asynchronous HTTP/1.1 client for one server, in clear or over TLS, that keeps its connections for reuse.
//
// As many exchanges as asked for run at once, each on a connection of its own. Everything happens on the
// thread that runs the io_context. Thread safety: one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cli/load/url.h"

namespace caravan::load {

enum class HttpFailure : uint8_t {
  kConnect,
  kTimeout,
  kBroken,
  kStopped,  ///< by HttpClient::stop()
};

/// What an exchange tells whoever asked for it, in this order: the head, the body's parts as they arrive, and
/// last on_end() or on_failure(), of which exactly one comes, once. No function may throw.
class HttpExchange {
 public:
  HttpExchange() = default;
  virtual ~HttpExchange() = default;
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  virtual void on_head(int status, std::string_view content_type) = 0;
  /// False: no more is wanted. The connection is closed, and on_end() comes.
  virtual bool on_body(std::string_view bytes) = 0;
  virtual void on_end() = 0;
  /// `message` is what the system says, without the server's name.
  virtual void on_failure(HttpFailure failure, const std::string& message) = 0;
};

struct HttpOptions {
  std::string api_key;  ///< sent as "Authorization: Bearer …"; empty: none
  bool verify_tls = true;
};

struct HttpCall {
  const char* method = "GET";  ///< GET or POST
  std::string path;            ///< after the URL's own: "/v1/models"
  std::string body;            ///< JSON, of a POST
  double timeout_s = 0.0;      ///< for everything, from connecting to the last byte
};

class HttpClient {
 public:
  /// Looks the server's name up. Throws Error where that fails. `io` must outlive this.
  HttpClient(boost::asio::io_context& io, const Url& url, const HttpOptions& options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Begins an exchange. A connection that was kept, and turns out to be closed by the server before it
  /// answers anything, is replaced by a new one without a word.
  void start(HttpCall call, std::shared_ptr<HttpExchange> exchange);
  /// Ends all exchanges with kStopped, soon but not within this call; none may be started afterwards.
  void stop();

 private:
  struct Shared;
  class Connection;
  template <typename Stream>
  class ConnectionOf;

  std::shared_ptr<Shared> shared_;
};

}  // namespace caravan::load
