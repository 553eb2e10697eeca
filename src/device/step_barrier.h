// Where the lanes of a team wait for each other in the middle of a call.
//
// Invariants: every lane calls wait() the same number of times. A lane that waits spins for a short while, as
// the others are usually close, and then sleeps. Thread safety: wait() is called by all lanes.
#pragma once

#include <atomic>
#include <cstdint>

#include "device/spin.h"

namespace caravan {

class StepBarrier {
 public:
  /// For `lanes` lanes; each looks `spins` times before it sleeps.
  StepBarrier(int lanes, int spins) : lanes_(lanes), spins_(spins) {}

  /// Returns once all lanes have called it; what they wrote before is then visible.
  void wait() {
    if (lanes_ == 1) return;
    const uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == lanes_ - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
      return;
    }
    spin_then_wait(phase_, phase, spins_);
  }

 private:
  int lanes_;
  int spins_;
  // Each on a cache line of its own: waiting lanes look at the second while others count the first.
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<uint32_t> phase_{0};
};

}  // namespace caravan
