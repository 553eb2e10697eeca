// Two vectors of fp32 rounded to one of bf16 by an instruction, which takes denormal numbers as zero, as
// those that multiply bf16 do. For the levels that are compiled for it. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/expand.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

struct Bf16Narrow {
  static void store(BF16* to, const Values<Vector512>& values) {
    _mm512_storeu_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(values[1], values[0])));
  }
  template <typename T>
  static void store(T* to, const Values<Vector512>& values) {
    PlainNarrow<Vector512>::store(to, values);
  }
};

}  // namespace
}  // namespace caravan::cpu
