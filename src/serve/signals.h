// SIGTERM and SIGINT as calls of a function, on a thread of its own.
//
// Must be made before any other thread is, so that all of them leave the signals to it. Thread safety: one
// lives at a time.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace caravan::serve {

class Signals {
 public:
  /// `arrived` is called for each signal, with how many have come.
  explicit Signals(std::function<void(int count)> arrived);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace caravan::serve
