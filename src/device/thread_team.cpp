#include "device/thread_team.h"

#include <pthread.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"
#include "base/machine.h"
#include "device/spin.h"

namespace caravan {

namespace {

/// How often a waiting thread looks before it sleeps: about 20 to 50 microseconds, the gap between two calls
/// of a decode step. With more threads than CPUs spinning would keep the others from running.
constexpr int kSpins = 2000;

/// Pins the thread `handle` to the lane's CPU: the `lane`-th of those that the process may use, from the
/// first again when there are more lanes than CPUs.
void pin(pthread_t handle, int lane, const cpu_set_t& usable) {
  int skip = lane % CPU_COUNT(&usable);
  size_t cpu = 0;
  while (!CPU_ISSET(cpu, &usable) || skip-- > 0) ++cpu;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  const int error = pthread_setaffinity_np(handle, sizeof only, &only);
  if (error != 0)
    fail("--bind-cpu: the system refused to pin a thread to CPU ", cpu, ": ", std::strerror(error));
}

}  // namespace

ThreadTeam::ThreadTeam(int size, bool bind) : spins_(size <= usable_cpus() ? kSpins : 0) {
  CARAVAN_CHECK(size >= 1);
  workers_.reserve(static_cast<size_t>(size - 1));
  try {
    for (int index = 1; index < size; ++index)
      workers_.emplace_back([this, index, size] { worker_loop({index, size}); });
    if (bind) bind_lanes();
  } catch (const std::system_error& error) {
    stop();
    fail("--threads ", size, ": the system refused to start thread ", workers_.size() + 1, ": ",
         error.what());
  }
}

ThreadTeam::~ThreadTeam() { stop(); }

void ThreadTeam::bind_lanes() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) {
    const int error = errno;
    stop();
    fail("--bind-cpu: the system does not say which CPUs may be used: ", std::strerror(error));
  }
  try {
    pin(pthread_self(), 0, usable);
    for (size_t i = 0; i < workers_.size(); ++i)
      pin(workers_[i].native_handle(), static_cast<int>(i) + 1, usable);
  } catch (const Error&) {
    stop();
    throw;
  }
}

void ThreadTeam::stop() {
  stopping_ = true;
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadTeam::run_erased(Entry entry, const void* context) {
  if (!workers_.empty()) {
    entry_ = entry;
    context_ = context;
    unfinished_.store(size() - 1, std::memory_order_relaxed);
    call_.fetch_add(1, std::memory_order_release);
    call_.notify_all();
  }
  entry(context, {0, size()});
  for (int spin = 0; spin < spins_; ++spin) {
    if (unfinished_.load(std::memory_order_acquire) == 0) return;
    pause_briefly();
  }
  int left = unfinished_.load(std::memory_order_acquire);
  while (left != 0) left = spin_then_wait(unfinished_, left, 0);
}

void ThreadTeam::worker_loop(Lane lane) {
  uint32_t seen = 0;
  while (true) {
    seen = spin_then_wait(call_, seen, spins_);
    if (stopping_) return;
    entry_(context_, lane);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  }
}

}  // namespace caravan
