// A session's reading half: from bytes to requests in the handler's hands.
#include <utility>

#include "base/log.h"
#include "serve/http/answer.h"
#include "serve/http/session.h"

namespace caravan::http {

namespace {

/// What a client may send ahead while its request is being answered. Beyond it the system holds the bytes,
/// and the client's leaving is seen only when something is written to it.
constexpr size_t kMaxHeldInput = size_t{16} << 10U;

/// Memory of `input_` that is kept when it is empty.
constexpr size_t kKeptInput = 1024;

}  // namespace

bool Session::step_read() {
  switch (phase_) {
    case Phase::kHandshake:
      return step_handshake();
    case Phase::kReading:
      return read_request() || (phase_ == Phase::kReading && receive());
    case Phase::kAnswering:
      return input_.size() < kMaxHeldInput && receive();
    case Phase::kLingering:
      return discard_input();
    case Phase::kFlushing:
    case Phase::kClosed:
      break;
  }
  return false;
}

bool Session::step_handshake() {
  if (read_waits_) return false;
  switch (const Passed passed = transport_->handshake()) {
    case Passed::kDone:
      phase_ = Phase::kReading;
      if (refused_) refuse_request(503, "this server has as many connections as it takes; try again later");
      return true;
    case Passed::kWantsRead:
    case Passed::kWantsWrite:
      wait_as(passed, Direction::kRead);
      return false;
    case Passed::kEnd:
    case Passed::kFailed:
      break;
  }
  drop();
  return false;
}

bool Session::receive() {
  if (read_waits_) return false;
  const Transfer transfer = transport_->read(context_.scratch.data(), context_.scratch.size());
  switch (transfer.passed) {
    case Passed::kDone:
      input_.append(context_.scratch.data(), transfer.bytes);
      return true;
    case Passed::kWantsRead:
    case Passed::kWantsWrite:
      wait_as(transfer.passed, Direction::kRead);
      return false;
    case Passed::kEnd:
      if (phase_ != Phase::kReading || !reader_ || !reader_->begun()) break;
      refuse_request(400, "the request ends in the middle");
      return true;
    case Passed::kFailed:
      break;
  }
  drop();
  return false;
}

bool Session::read_request() {
  if (input_.size() == input_tried_) return false;
  if (!reader_) {
    reader_ = std::make_unique<RequestReader>(
        RequestLimits{context_.options.max_header_bytes, context_.options.max_body_bytes});
  }
  const bool had_begun = reader_->begun();
  try {
    input_.erase(0, reader_->feed(input_));
  } catch (const RefusedRequest& refused) {
    refuse_request(refused.status(), refused.what());
    return true;
  }
  input_tried_ = input_.size();
  if (input_.empty() && input_.capacity() > kKeptInput) std::string().swap(input_);
  if (!had_begun && reader_->begun()) set_deadline(context_.options.read_timeout);
  if (reader_->complete()) {
    hand_over();
    return true;
  }
  if (reader_->take_wish_to_continue()) output_.append("HTTP/1.1 100 Continue\r\n\r\n");
  return false;
}

void Session::hand_over() {
  ReceivedRequest received = reader_->take();
  reader_.reset();
  input_tried_ = 0;
  deadline_.reset();
  phase_ = Phase::kAnswering;
  request_id_ = received.request.id;
  head_only_ = received.head_only;
  http_1_0_ = received.http_1_0;
  keep_alive_ = received.keep_alive;
  received.request.peer = peer_;
  received.request.from_loopback = from_loopback_;
  if (context_.options.cors_origin) {
    if (const std::optional<Response> preflight = preflight_response(received.request)) {
      respond(*preflight);
      return;
    }
  }
  const auto answer = std::make_shared<Answer>(context_.weak_from_this(), weak_from_this());
  try {
    context_.handler(std::move(received.request), answer);
  } catch (const std::exception& error) {
    log(LogLevel::kError, "request ", request_id_, ": the handler failed: ", error.what());
    answer->give_up();
  }
}

void Session::refuse_request(int status, const std::string& message) {
  head_only_ = reader_ && reader_->head_only();
  request_id_ = reader_ ? reader_->id() : RequestReader({}).id();
  http_1_0_ = false;
  keep_alive_ = false;
  reader_.reset();
  std::string().swap(input_);
  input_tried_ = 0;
  Response response = context_.options.error_body(status, message);
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  respond(response);
}

bool Session::discard_input() {
  if (read_waits_) return false;
  switch (discard(socket_.native_handle(), context_.scratch.data(), context_.scratch.size())) {
    case Passed::kDone:
      return true;
    case Passed::kWantsRead:
      wait_for(Socket::wait_read, Direction::kRead);
      return false;
    default:
      drop();
      return false;
  }
}

}  // namespace caravan::http
