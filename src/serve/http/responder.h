// The answering end of one request: a whole response, or a stream of pieces.
//
// Invariants: exactly one of send() and start() is called, once; write() and finish() follow start() only.
// Calls after the client has gone do nothing. Thread safety: the server's I/O thread only (Server::post).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "serve/http/message.h"

namespace caravan::http {

class Responder {
 public:
  virtual ~Responder() = default;

  /// Answers with a whole response.
  virtual void send(Response response) = 0;
  /// Begins a streamed response, whose body is not needed; pieces follow.
  virtual void start(Response head) = 0;
  /// Queues a piece of the stream; it is sent as soon as the client reads.
  virtual void write(std::string piece) = 0;
  /// Ends the stream after what is queued.
  virtual void finish() = 0;

  /// Bytes that the client has not taken yet. A client that lets them grow past the server's limit is cut
  /// off.
  [[nodiscard]] virtual size_t queued_bytes() const = 0;
  /// Calls `gone` once, on the I/O thread, if the client goes away before the answer is complete.
  virtual void on_gone(std::function<void()> gone) = 0;
};

/// Is given each request, on the I/O thread, and answers through the responder, now or later.
using Handler = std::function<void(Request request, std::shared_ptr<Responder> responder)>;

}  // namespace caravan::http
