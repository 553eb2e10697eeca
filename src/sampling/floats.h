// Four floats in a register, for the passes over a row. Written out because of loops over arrays GCC makes
// branches here. Thread safety: pure functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace caravan {

using Floats = float __attribute__((vector_size(16)));
using Words = uint32_t __attribute__((vector_size(16)));
using Integers = int32_t __attribute__((vector_size(16)));
constexpr size_t kFloats = 4;

inline Floats load(const float* data) {
  Floats floats;
  std::memcpy(&floats, data, sizeof floats);
  return floats;
}

inline void store(Floats floats, float* data) { std::memcpy(data, &floats, sizeof floats); }

/// `b` where `a` is NaN; so `b` must not be.
inline Floats larger(Floats a, Floats b) { return a > b ? a : b; }
inline Floats smaller(Floats a, Floats b) { return a < b ? a : b; }

inline Floats all_of(float value) { return Floats{value, value, value, value}; }

inline float largest_of(Floats a) { return std::max(std::max(a[0], a[1]), std::max(a[2], a[3])); }
inline float smallest_of(Floats a) { return std::min(std::min(a[0], a[1]), std::min(a[2], a[3])); }

}  // namespace caravan
