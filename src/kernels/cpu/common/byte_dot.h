// vpdpbusd: 64 products of a uint8 and an int8 in one instruction, which accumulates in int32. For the levels
// that are compiled for VNNI. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

struct ByteDot {
  using X = unsigned char;
  using W = signed char;
  using Sum = int;
  using Weights = __m512i;
  using Inputs = __m512i;
  static constexpr Index kStep = 4;
  static constexpr int kTokens = 6;
  static Weights load(const W* from) { return Ints512::load_bytes(from); }
  static Inputs spread(const X* from) { return Ints512::spread_bytes(from); }
  static __m512i add(__m512i sum, Weights w, Inputs x) { return _mm512_dpbusd_epi32(sum, x, w); }
};

}  // namespace
}  // namespace caravan::cpu
