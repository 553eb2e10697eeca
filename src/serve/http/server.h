// An HTTP/1.1 server: keep-alive, chunked streams, TLS, limits and time-outs, on one I/O thread.
//
// What it answers itself: malformed requests (400), bodies and headers over their limits (413, 431), clients
// that send too slowly (408), and connections over max_connections (503). Everything else goes to the
// handler. Invariants: a slow reader delays nobody else. Thread safety: post() and stop() from any thread;
// everything else on the thread that calls run().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "serve/http/responder.h"

namespace caravan::http {

struct TlsFiles {
  std::string certificate;  ///< PEM, the chain
  std::string key;          ///< PEM
};

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< an address, or a name that stands for one
  uint16_t port = 0;               ///< 0: any free one
  std::optional<TlsFiles> tls;
  size_t max_body_bytes = size_t{16} << 20U;
  size_t max_header_bytes = size_t{64} << 10U;
  size_t max_connections = 8192;
  size_t max_queued_bytes = size_t{8} << 20U;  ///< unread bytes after which a stream's client is cut off
  std::chrono::seconds read_timeout{30};       ///< for a whole request to arrive, once begun
  std::chrono::seconds idle_timeout{75};       ///< for a kept connection's next request
  std::chrono::seconds write_timeout{60};      ///< for a client to take anything at all
  std::optional<std::string> cors_origin;      ///< Access-Control-Allow-Origin; none: no CORS
};

class Server {
 public:
  /// Binds and listens. Throws Error, naming the address or file, where that fails.
  Server(const ServerOptions& options, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port that it listens on.
  [[nodiscard]] uint16_t port() const;
  /// Serves until stop().
  void run();
  /// Runs `work` on the I/O thread, soon.
  void post(std::function<void()> work);
  /// Runs `work` on the I/O thread after `delay`.
  void post_after(std::chrono::milliseconds delay, std::function<void()> work);
  /// Takes no new connections from now on; those that are open go on.
  void stop_accepting();
  /// Ends run(): closes everything now.
  void stop();
  /// Open connections, for metrics.
  [[nodiscard]] size_t connections() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace caravan::http
