// A thread that does one piece of work after another: reading and tokenizing requests takes long for long
// texts, and must not hold up the streams that the I/O thread serves. Thread safety: any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace caravan::serve {

class Worker {
 public:
  Worker();
  /// Finishes the piece that is running; those that wait are dropped.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// `work` must not throw.
  void post(std::function<void()> work);

 private:
  void loop();

  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace caravan::serve
