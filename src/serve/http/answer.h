// The Responder that handlers are given: it keeps the rules of responder.h and passes on to the session.
//
// Invariants: holds neither server nor session, either of which may end first. Thread safety: as Responder's.
#pragma once

#include <cstdint>
#include <memory>

#include "serve/http/responder.h"
#include "serve/http/session.h"

namespace caravan::http {

class Answer : public Responder {
 public:
  Answer(std::weak_ptr<Context> context, std::weak_ptr<Session> session)
      : context_(std::move(context)), session_(std::move(session)) {}
  ~Answer() override;

  void send(Response response) override;
  void start(Response head) override;
  void write(std::string piece) override;
  void finish() override;
  [[nodiscard]] size_t queued_bytes() const override;
  void on_gone(std::function<void()> gone) override;

  /// Whoever should answer cannot: 500, or the end of a stream that was begun.
  void give_up();

 private:
  enum class State : uint8_t { kOpen, kStreaming, kDone };

  std::weak_ptr<Context> context_;
  std::weak_ptr<Session> session_;
  State state_ = State::kOpen;
};

}  // namespace caravan::http
