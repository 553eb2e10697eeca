#include "serve/signals.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace caravan::serve {

namespace {

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

Signals::Signals(std::function<void(int count)> arrived) {
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this, signals, arrived = std::move(arrived)] {
    for (int count = 1;; ++count) {
      int signal = 0;
      sigwait(&signals, &signal);
      if (stopping_) return;
      arrived(count);
    }
  });
}

Signals::~Signals() {
  stopping_ = true;
  // The thread takes it with sigwait, and nobody dies of it.
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread)
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace caravan::serve
