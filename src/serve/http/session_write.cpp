// A session's writing half: from answers to bytes, and what follows an answer.
#include <utility>

#include "base/log.h"
#include "serve/http/session.h"

namespace caravan::http {

namespace {

/// How long a client may take to read the last answer and close, before the connection is closed under it.
constexpr std::chrono::seconds kLingerTime{5};

}  // namespace

bool Session::step_write() {
  if (phase_ == Phase::kHandshake || write_waits_) return false;
  if (output_.empty()) {
    if (phase_ != Phase::kFlushing) return false;
    after_answer();
    return true;
  }
  const Transfer transfer = transport_->write(output_.bytes());
  // A request on its way has a deadline of its own.
  const bool answering = phase_ == Phase::kAnswering || phase_ == Phase::kFlushing;
  switch (transfer.passed) {
    case Passed::kDone:
      output_.consume(transfer.bytes);
      if (answering) deadline_.reset();
      return true;
    case Passed::kWantsRead:
    case Passed::kWantsWrite:
      if (answering && !deadline_) set_deadline(context_.options.write_timeout);
      wait_as(transfer.passed, Direction::kWrite);
      return false;
    case Passed::kEnd:
    case Passed::kFailed:
      break;
  }
  drop();
  return false;
}

void Session::after_answer() {
  if (keep_alive_) {
    phase_ = Phase::kReading;
    set_deadline(context_.options.idle_timeout);
    return;
  }
  // Closing at once would reset the connection where the client still sends, and could take the answer from
  // it.
  phase_ = Phase::kLingering;
  std::string().swap(input_);
  transport_->end_output();
  set_deadline(kLingerTime);
}

void Session::write_head(const Response& response, BodyForm form) {
  body_form_ = form;
  keep_alive_ = keep_alive_ && form != BodyForm::kUntilClose && !asks_to_close(response);
  output_.append(
      response_head(response, {form, keep_alive_, http_1_0_, request_id_, context_.options.cors_origin}));
}

void Session::respond(const Response& response) {
  if (closed()) return;
  try {
    write_head(response, BodyForm::kWhole);
    if (!head_only_ && has_body(response.status)) output_.append(response.body);
  } catch (const Error& error) {
    log(LogLevel::kError, "request ", request_id_, ": the answer cannot be sent: ", error.what());
    const Response internal = context_.options.error_body(500, "internal error");
    write_head(internal, BodyForm::kWhole);
    if (!head_only_) output_.append(internal.body);
  }
  phase_ = Phase::kFlushing;
  gone_ = nullptr;
  pump_soon();
}

void Session::begin_stream(const Response& head) {
  if (closed()) return;
  try {
    write_head(head, http_1_0_ ? BodyForm::kUntilClose : BodyForm::kChunked);
  } catch (const Error& error) {
    log(LogLevel::kError, "request ", request_id_, ": the stream cannot be begun: ", error.what());
    drop();
    return;
  }
  pump_soon();
}

void Session::add_piece(std::string_view piece) {
  if (closed() || head_only_) return;
  if (body_form_ == BodyForm::kChunked) {
    output_.append_chunk(piece);
  } else {
    output_.append(piece);
  }
  if (output_.size() > context_.options.max_queued_bytes) {
    // Only what the system does not take either counts.
    while (!closed() && !output_.empty() && step_write()) continue;
    if (output_.size() > context_.options.max_queued_bytes) {
      log(LogLevel::kInfo, "request ", request_id_, ": the client at ", peer_, " does not read; cut off");
      drop();
      return;
    }
  }
  pump_soon();
}

void Session::end_stream() {
  if (closed()) return;
  if (body_form_ == BodyForm::kChunked && !head_only_) output_.append("0\r\n\r\n");
  phase_ = Phase::kFlushing;
  gone_ = nullptr;
  pump_soon();
}

}  // namespace caravan::http
