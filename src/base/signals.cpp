#include "base/signals.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/error.h"

namespace caravan {

namespace {

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

Signals::Signals(int exit_code) : exit_code_(exit_code) {
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this] { wait(); });
}

void Signals::wait() {
  const sigset_t signals = handled_signals();
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (!arrived_) ::_exit(exit_code_);
    arrived_(++count_);
  }
}

Signals::~Signals() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  // The thread takes it with sigwait, and nobody dies of it.
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread)
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

Signals::Listener::Listener(Signals& signals, std::function<void(int count)> arrived) : signals_(signals) {
  const std::lock_guard lock(signals_.mutex_);
  CARAVAN_CHECK(!signals_.arrived_);
  signals_.arrived_ = std::move(arrived);
  signals_.count_ = 0;
}

Signals::Listener::~Listener() {
  const std::lock_guard lock(signals_.mutex_);
  signals_.arrived_ = nullptr;
}

}  // namespace caravan
