#include "checkpoint/threads.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/machine.h"

namespace caravan {

void for_each_in_parallel(size_t items, const std::function<void(size_t item)>& work) {
  std::atomic<size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_lock;
  const auto run = [&] {
    try {
      for (size_t item = next.fetch_add(1); item < items; item = next.fetch_add(1)) work(item);
    } catch (...) {
      next.store(items);
      const std::lock_guard<std::mutex> guard(failure_lock);
      failure = std::current_exception();
    }
  };
  std::vector<std::jthread> helpers;
  const size_t threads = std::min(static_cast<size_t>(usable_cpus()), items);
  for (size_t i = 1; i < threads; ++i) helpers.emplace_back(run);
  run();
  helpers.clear();  // joins
  if (failure) std::rethrow_exception(failure);
}

}  // namespace caravan
