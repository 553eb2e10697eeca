#include "serve/http/server.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <vector>

#include "base/short_turns.h"
#include "serve/http/context.h"
#include "serve/http/listener.h"
#include "serve/http/session.h"

namespace caravan::http {

class Server::Implementation {
 public:
  Implementation(const ServerOptions& options, Handler handler)
      : context(std::make_shared<Context>(options, std::move(handler))), listener(*context) {}

  /// Sessions that are still open tell nobody: what they would tell may be gone.
  ~Implementation() { drop_all(); }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  void drop_all() const {
    std::vector<std::shared_ptr<Session>> sessions;
    sessions.reserve(context->sessions.size());
    for (const auto& [address, session] : context->sessions) sessions.push_back(session);
    for (const auto& session : sessions) session->drop();
  }

  std::shared_ptr<Context> context;
  Listener listener;
};

Server::Server(const ServerOptions& options, Handler handler)
    : implementation_(std::make_unique<Implementation>(options, std::move(handler))) {}

Server::~Server() = default;

uint16_t Server::port() const { return implementation_->listener.port(); }

void Server::run() {
  boost::asio::io_context& io = implementation_->context->io;
  const auto stay = boost::asio::make_work_guard(io);
  implementation_->listener.start();
  // The model's threads use every CPU without pause. Where the system cannot, answers come in bursts.
  static_cast<void>(prefer_short_turns());
  io.run();
}

void Server::post(std::function<void()> work) {
  boost::asio::post(implementation_->context->io, std::move(work));
}

void Server::post_after(std::chrono::milliseconds delay, std::function<void()> work) {
  auto timer = std::make_shared<boost::asio::steady_timer>(implementation_->context->io, delay);
  boost::asio::steady_timer& waiting = *timer;
  waiting.async_wait([timer = std::move(timer), work = std::move(work)](const auto& error) {
    if (!error) work();
  });
}

std::shared_ptr<void> Server::call_after(std::chrono::milliseconds delay, std::function<void()> work) {
  auto timer = std::make_shared<boost::asio::steady_timer>(implementation_->context->io, delay);
  timer->async_wait([work = std::move(work)](const auto& error) {
    if (!error) work();
  });
  return timer;
}

void Server::stop_accepting() {
  post([implementation = implementation_.get()] { implementation->listener.stop(); });
}

void Server::stop() {
  post([implementation = implementation_.get()] {
    implementation->listener.stop();
    implementation->drop_all();
    // Behind what the sessions have posted for those who wait for their clients.
    boost::asio::post(implementation->context->io, [implementation] { implementation->context->io.stop(); });
  });
}

size_t Server::connections() const { return implementation_->context->open; }

size_t Server::unanswered() const {
  const auto& sessions = implementation_->context->sessions;
  return static_cast<size_t>(std::count_if(sessions.begin(), sessions.end(),
                                           [](const auto& entry) { return entry.second->owes_answer(); }));
}

}  // namespace caravan::http
