#include "serve/http/answer.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace caravan::http {

Answer::~Answer() {
  if (state_ == State::kDone) return;
  try {
    give_up();
  } catch (const std::exception& error) {
    log(LogLevel::kError, "a request that nobody answered: ", error.what());
  }
}

void Answer::send(Response response) {
  CARAVAN_CHECK(state_ == State::kOpen);
  state_ = State::kDone;
  if (const auto session = session_.lock()) session->respond(response);
}

void Answer::start(Response head) {
  CARAVAN_CHECK(state_ == State::kOpen);
  state_ = State::kStreaming;
  if (const auto session = session_.lock()) session->begin_stream(head);
}

void Answer::write(std::string piece) {
  CARAVAN_CHECK(state_ == State::kStreaming);
  if (const auto session = session_.lock()) session->add_piece(piece);
}

void Answer::finish() {
  CARAVAN_CHECK(state_ == State::kStreaming);
  state_ = State::kDone;
  if (const auto session = session_.lock()) session->end_stream();
}

size_t Answer::queued_bytes() const {
  const auto session = session_.lock();
  return session && state_ == State::kStreaming ? session->queued_bytes() : 0;
}

void Answer::on_gone(std::function<void()> gone) {
  if (state_ == State::kDone) return;
  const auto session = session_.lock();
  if (session && !session->closed()) {
    session->on_gone(std::move(gone));
  } else if (const auto context = context_.lock()) {
    boost::asio::post(context->io, std::move(gone));
  }
}

void Answer::give_up() {
  const State before = std::exchange(state_, State::kDone);
  const auto session = session_.lock();
  const auto context = context_.lock();
  if (before == State::kDone || !session || !context) return;
  if (before == State::kOpen) {
    session->respond(context->options.error_body(500, "internal error"));
  } else {
    session->drop();
  }
}

}  // namespace caravan::http
