// The answering end of one request: a whole response, or a stream of pieces.
//
// Invariants: exactly one of send() and start() is called, once; write() and finish() follow start() only.
// Calls after the client has gone do nothing. A responder whose last owner lets go of it unanswered answers
// 500, and one whose stream has no finish() cuts the connection off, so that the client sees what happened.
// It may outlive its server. Thread safety: the server's I/O thread only (Server::post), its end included
// while the server lives.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "serve/http/message.h"

namespace caravan::http {

class Responder {
 public:
  Responder() = default;
  virtual ~Responder() = default;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  /// Answers with a whole response.
  virtual void send(Response response) = 0;
  /// Begins a streamed response, whose body is not needed; pieces follow.
  virtual void start(Response head) = 0;
  /// Queues a piece of the stream; it is sent as soon as the client reads, each piece as one chunk.
  virtual void write(std::string piece) = 0;
  /// Ends the stream after what is queued.
  virtual void finish() = 0;

  /// Bytes that the client has not taken yet, those that the system holds aside. A client that lets them grow
  /// past the server's limit is cut off.
  [[nodiscard]] virtual size_t queued_bytes() const = 0;
  /// Calls `gone` once, on the I/O thread and never from within another call here, if the client goes away
  /// before send() or finish(), or has gone already. A client that shuts down its sending half counts as
  /// gone. After send() or finish() the function is let go.
  virtual void on_gone(std::function<void()> gone) = 0;
};

/// Is given each request, on the I/O thread, and answers through the responder, now or later. What it throws
/// is logged and answered with 500.
using Handler = std::function<void(Request request, std::shared_ptr<Responder> responder)>;

}  // namespace caravan::http
