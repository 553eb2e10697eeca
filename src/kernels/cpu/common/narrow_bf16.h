// Two vectors of whole numbers rounded to one of bf16 by an instruction. For the levels that are compiled for
// it. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/numbers.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

struct Bf16Narrow {
  static void store(BF16* to, const Numbers<Vector512>& values) {
    _mm512_storeu_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(values[1], values[0])));
  }
};

}  // namespace
}  // namespace caravan::cpu
