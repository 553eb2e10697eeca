// An HTTP/1.1 server: keep-alive, chunked streams, TLS, limits and time-outs, on one I/O thread.
//
// What it answers itself: malformed requests (400), bodies and headers over their limits (413, 431), clients
// that send too slowly (408), expectations other than 100-continue (417), transfer encodings other than
// chunked (501), connections over max_connections (503), and CORS preflights where cors_origin is set.
// Everything else goes to the handler. Requests of one connection are answered one after the other.
// Invariants: a slow reader delays nobody else. Thread safety: run() on one thread, which becomes the I/O
// thread; every other function from any thread, until the destructor, which follows run()'s return.
#pragma once

#include <chrono>
#include <cstddef>
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
  size_t max_queued_bytes = size_t{8} << 20U;     ///< unread bytes after which a stream's client is cut off
  std::chrono::milliseconds read_timeout{30000};  ///< for a TLS handshake, and for a whole request once begun
  std::chrono::milliseconds idle_timeout{75000};  ///< for a connection's next request to begin
  std::chrono::milliseconds write_timeout{60000};  ///< for a client to take anything at all
  std::optional<std::string> cors_origin;          ///< Access-Control-Allow-Origin; none: no CORS
  /// Words the errors that the server answers itself; empty: default_error_body().
  std::function<Response(int status, const std::string& message)> error_body;
};

/// `{"error": {"message": …, "type": …}}`, the type as OpenAI's: "invalid_request_error" or "server_error".
[[nodiscard]] Response default_error_body(int status, const std::string& message);

class Server {
 public:
  /// Binds and listens, on every address that the host's name stands for. Throws Error, naming the address or
  /// file, where that fails.
  Server(const ServerOptions& options, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port that it listens on.
  [[nodiscard]] uint16_t port() const;
  /// Serves until stop(), once. What posted work throws comes out here.
  void run();
  /// Runs `work` on the I/O thread, soon. Work that is still waiting when run() has returned is never run.
  void post(std::function<void()> work);
  /// Runs `work` on the I/O thread after `delay`.
  void post_after(std::chrono::milliseconds delay, std::function<void()> work);
  /// The same, unless the last owner of what it returns lets go of it before it is due.
  [[nodiscard]] std::shared_ptr<void> call_after(std::chrono::milliseconds delay, std::function<void()> work);
  /// Takes no new connections from now on, and closes the port; those that are open go on.
  void stop_accepting();
  /// Ends run(): closes everything now, and tells those who asked with on_gone.
  void stop();
  /// Open connections, for metrics.
  [[nodiscard]] size_t connections() const;
  /// Requests whose answers are not complete, or not in the system's hands. On the I/O thread.
  [[nodiscard]] size_t unanswered() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace caravan::http
