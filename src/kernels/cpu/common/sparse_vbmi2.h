// Kept values put in their places by vpexpandb. For the levels that are compiled for VBMI2.
// Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/sparse.h"

namespace caravan::cpu {
namespace {

struct ExpandUnmask {
  static __m512i load(unsigned long mask, const signed char* kept) {
    // With zero-masking, or from memory, the instruction waits on Zen 4 and 5 for what its target held before
    // (issue 5), so that it merges into zeros that the compiler does not see to be such.
    __m512i zeros = _mm512_setzero_si512();
    __asm__("" : "+v"(zeros));
    return _mm512_mask_expand_epi8(zeros, mask, _mm512_loadu_si512(kept));
  }
  static void store(unsigned long mask, const signed char* kept, signed char* to) {
    _mm512_storeu_si512(to, load(mask, kept));
  }
};

}  // namespace
}  // namespace caravan::cpu
