// Waiting for another thread that is usually close: looking for a while, then sleeping.
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace caravan {

inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Looks `spins` times whether `value` is still `old`, then sleeps until it is not. Whoever changes it calls
/// notify. Returns the new value.
template <typename T>
T spin_then_wait(std::atomic<T>& value, T old, int spins) {
  for (int spin = 0; spin < spins; ++spin) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause_briefly();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace caravan
