// Elements by their dtype, one at a time: what lets each reference kernel be written once.
// Thread safety: pure functions.
#pragma once

#include "tensor/dtype.h"

namespace caravan::reference {

/// Element `index` of an array of T, as a double.
template <typename T>
double load(const void* data, int64_t index) {
  return static_cast<double>(to_float(static_cast<const T*>(data)[index]));
}

/// Stores `value` in element `index` of an array of T, rounded to fp32 and then to T.
template <typename T>
void store(void* data, int64_t index, double value) {
  static_cast<T*>(data)[index] = from_float<T>(static_cast<float>(value));
}

}  // namespace caravan::reference
