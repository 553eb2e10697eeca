// What the listener and all connections of one server share.
//
// Invariants: `io` is destroyed last, after every session that uses it. Thread safety: the I/O thread only,
// but for `io` itself and `open`.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "serve/http/server.h"
#include "serve/http/tls.h"

namespace caravan::http {

class Session;

struct Context : std::enable_shared_from_this<Context> {
  Context(ServerOptions server_options, Handler request_handler)
      : options(std::move(server_options)), handler(std::move(request_handler)) {
    if (options.tls) tls = std::make_unique<TlsContext>(*options.tls);
    if (!options.error_body) options.error_body = default_error_body;
  }

  boost::asio::io_context io{1};
  ServerOptions options;
  Handler handler;
  std::unique_ptr<TlsContext> tls;  ///< null: plain
  /// Every connection, which lives until it is taken out here.
  std::unordered_map<Session*, std::shared_ptr<Session>> sessions;
  size_t refused = 0;            ///< of them, those that are only told 503
  std::atomic<size_t> open = 0;  ///< how many there are, for other threads
  /// What a read fills; nothing in it outlasts the reading function.
  std::vector<char> scratch = std::vector<char>(size_t{64} << 10U);
};

}  // namespace caravan::http
