// AVX-512 F, BW, DQ and VL: what server CPUs have from 2017 on.
#include "kernels/cpu/common/level_table.h"
#include "kernels/cpu/common/vector512.h"

namespace caravan::cpu {

constinit const LevelKernels kAvx512Kernels =
    level_table<Vector512, PairDot<Vector512>, WidenedByteDot<Vector512>>();

}  // namespace caravan::cpu
