// SIGTERM and SIGINT as calls of a function, on a thread of its own.
//
// Must be made before any other thread is, so that all of them leave the signals to it. Thread safety: one
// lives at a time; listeners come and go on one thread.
#pragma once

#include <functional>
#include <mutex>
#include <thread>

namespace caravan {

class Signals {
 public:
  /// While nobody listens, a signal ends the process with this exit code: nothing is begun yet, or all is
  /// done.
  explicit Signals(int exit_code);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  class Listener {
   public:
    /// `arrived` is called for each signal, with how many have come since; never after the listener's end.
    /// One listener at a time.
    Listener(Signals& signals, std::function<void(int count)> arrived);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

   private:
    Signals& signals_;
  };

 private:
  void wait();

  const int exit_code_;
  std::mutex mutex_;  ///< of all below
  std::function<void(int count)> arrived_;
  int count_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace caravan
