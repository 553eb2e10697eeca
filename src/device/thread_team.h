// The CPU's threads: a team that lives as long as the engine and does one call after another together.
//
// run(work) calls work(lane) once on every thread of the team, the caller being lane 0, and returns when all
// are done. Workers spin for a short while after a call, because the next one usually follows at once, and
// then sleep. Invariants: work must not throw and must not call run. Thread safety: one thread, the owner,
// calls run.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "device/lane.h"

namespace caravan {

class ThreadTeam {
 public:
  /// A team of `size` threads, the caller's own included; size must be at least 1. With `bind` each thread,
  /// the caller's too, is pinned to one of the CPUs that this process may use, in turn. Throws Error if the
  /// system refuses to start or pin one.
  explicit ThreadTeam(int size, bool bind = false);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// How often a thread that waits for the others looks before it sleeps.
  [[nodiscard]] int spins() const { return spins_; }

  template <typename Work>
  void run(const Work& work) {
    run_erased([](const void* context, Lane lane) { (*static_cast<const Work*>(context))(lane); }, &work);
  }

 private:
  using Entry = void (*)(const void* context, Lane lane);

  void run_erased(Entry entry, const void* context);
  void worker_loop(Lane lane);
  void bind_lanes();
  void stop();

  int spins_;
  // The call in progress; written by the owner before call_ changes.
  Entry entry_ = nullptr;
  const void* context_ = nullptr;
  bool stopping_ = false;

  // Each on a cache line of its own: workers spin on the first while others count down the second.
  alignas(64) std::atomic<uint32_t> call_{0};
  alignas(64) std::atomic<int> unfinished_{0};
  std::vector<std::thread> workers_;
};

}  // namespace caravan
