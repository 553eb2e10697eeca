// One head's rotation, which rope and rope_kv_write share. Thread safety: a pure function.
#pragma once

#include "kernels/reference/load_store.h"

namespace caravan::reference {

/// As ops/rope.h: x and y [2 * half], y may be x; angles [2 * half].
inline void rotate(const float* x, const float* angles, float* y, int64_t half) {
  for (int64_t i = 0; i < half; ++i) {
    const double c = load<float>(angles, i);
    const double s = load<float>(angles, half + i);
    const double first = load<float>(x, i);
    const double second = load<float>(x, half + i);
    store<float>(y, i, first * c - second * s);
    store<float>(y, half + i, second * c + first * s);
  }
}

}  // namespace caravan::reference
