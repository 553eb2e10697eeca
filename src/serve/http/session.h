// One connection: reads a request, has it answered, sends the answer, and goes on with the next.
//
// It moves through phases; pump() does whatever can be done without waiting, and leaves behind one wait for
// each direction that is blocked and at most one timer. Between requests and while a stream is silent it
// holds no buffers. Invariants: the registry in Context owns it; a session that has been dropped does nothing
// more. Thread safety: the I/O thread only.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "serve/http/context.h"
#include "serve/http/output_queue.h"
#include "serve/http/request_reader.h"
#include "serve/http/response_head.h"
#include "serve/http/transport.h"

namespace caravan::http {

class Session : public std::enable_shared_from_this<Session> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  /// Takes over a connected socket and enters it in the registry. With `refused` the client is told 503 and
  /// nothing is read. Throws boost::system::system_error or Error where the socket cannot be used.
  static void open(Context& context, Socket socket, bool refused);

  Session(Context& context, Socket socket, bool refused);

  /// Closes the connection now. A client that waits for an answer counts as gone.
  void drop();

  // For the responder of the request that is being answered; after drop() these do nothing.

  void respond(const Response& response);
  void begin_stream(const Response& head);
  void add_piece(std::string_view piece);
  void end_stream();
  [[nodiscard]] size_t queued_bytes() const { return output_.size(); }
  [[nodiscard]] bool closed() const { return phase_ == Phase::kClosed; }
  /// Somebody works on its request, or the system has not taken all of the answer yet.
  [[nodiscard]] bool owes_answer() const { return phase_ == Phase::kAnswering || phase_ == Phase::kFlushing; }
  void on_gone(std::function<void()> gone) { gone_ = std::move(gone); }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase : uint8_t {
    kHandshake,  ///< TLS
    kReading,    ///< a request, or waiting for one to begin
    kAnswering,  ///< the handler has the request
    kFlushing,   ///< the answer is complete, but not sent
    kLingering,  ///< all is sent; waits for the client to close, so that it can read to the end
    kClosed,
  };
  enum class Direction : uint8_t { kRead, kWrite };

  // session.cpp: what drives it, and its end.
  void pump();
  void pump_soon();
  void wait_for(Socket::wait_type what, Direction blocked);
  void wait_as(Passed passed, Direction blocked);
  void set_deadline(Clock::duration from_now);
  void arm_timer(Clock::time_point when);
  void on_timer();
  void on_deadline();

  // session_read.cpp. Each step does one thing and says whether there may be more to do.
  bool step_read();
  bool step_handshake();
  bool receive();
  bool read_request();
  bool discard_input();
  void hand_over();
  void refuse_request(int status, const std::string& message);

  // session_write.cpp
  bool step_write();
  void after_answer();
  void write_head(const Response& response, BodyForm form);

  Context& context_;
  Socket socket_;
  std::unique_ptr<Transport> transport_;
  boost::asio::steady_timer timer_;
  std::optional<Clock::time_point> deadline_;
  std::optional<Clock::time_point> timer_set_for_;  ///< the wait that is running; may be earlier than needed

  std::string peer_;
  bool from_loopback_ = false;
  const bool refused_;

  Phase phase_ = Phase::kHandshake;
  bool pumping_ = false;
  bool pump_posted_ = false;
  bool read_waits_ = false;
  bool write_waits_ = false;

  std::unique_ptr<RequestReader> reader_;  ///< while a request is being read
  std::string input_;                      ///< received, not read as part of a request yet
  size_t input_tried_ = 0;                 ///< bytes of it that the reader has seen and asks more for
  OutputQueue output_;

  // Of the request that is being answered.
  std::string request_id_;
  bool head_only_ = false;
  bool http_1_0_ = false;
  bool keep_alive_ = true;
  BodyForm body_form_ = BodyForm::kWhole;
  std::function<void()> gone_;
};

}  // namespace caravan::http
