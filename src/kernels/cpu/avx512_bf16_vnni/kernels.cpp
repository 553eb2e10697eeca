// AVX-512 with BF16, VNNI and VBMI2: 32 products of bf16 in one instruction, which accumulates in fp32; bytes
// put where the bits of a mask are in another.
#include "kernels/cpu/common/byte_dot.h"
#include "kernels/cpu/common/level_table.h"
#include "kernels/cpu/common/narrow_bf16.h"
#include "kernels/cpu/common/registers_from_source.h"
#include "kernels/cpu/common/sparse_vbmi2.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {
namespace {

/// vdpbf16ps, which takes denormal inputs and results as zero.
struct Bf16Dot {
  using X = BF16;
  using W = BF16;
  using Sum = float;
  using Weights = __m512i;
  using Inputs = __m512i;
  static constexpr Index kStep = 2;
  static constexpr int kTokens = 6;
  static Weights load(const W* from) { return Vector512::load_bits(from); }
  static Inputs spread(const X* from) { return Vector512::spread_bits(from); }
  static __m512 add(__m512 sum, Weights w, Inputs x) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
  }
};

constexpr LevelKernels vnni_table() {
  LevelKernels table = level_table<Vector512, Bf16Dot, ByteDot, Bf16Narrow, ExpandUnmask>();
  table.sparse_i8 = registers_from_source<SparseSource<ExpandUnmask>>;
  table.lifted_i8 = registers_from_source<LiftedSource<Ints512>>;
  return table;
}

}  // namespace

constinit const LevelKernels kAvx512Bf16VnniKernels = vnni_table();

}  // namespace caravan::cpu
