// How a weight matrix is packed for the matmul kernels: in panels of 64 outputs.
//
// A packed weight [out, in] is a tensor [panels, steps, 64, step]: panel p holds the outputs 64 p to 64 p +
// 63, and step k of it the inputs k * step to k * step + step - 1 of each of them, side by side, so that a
// kernel reads 64 outputs of one input with whole vectors and streams a panel from its first byte to its
// last. What lies beyond `out` or `in` is zero. Thread safety: pure functions.
#pragma once

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace caravan {

/// Outputs of a panel: four AVX-512 vectors of sums, which with six tokens fill 24 of the 32 registers.
constexpr int64_t kPanelOutputs = 64;

/// Of a weight that interleaves a gate and an up matrix (models' SwiGLU): so many outputs of the one, then of
/// the other, so that a panel holds both halves of 32 results.
constexpr int64_t kInterleave = kPanelOutputs / 2;

/// How many inputs stand side by side: those that one 32-bit lane multiplies in an instruction (vdpbf16ps,
/// vpdpbusd).
constexpr int64_t panel_step(DType dtype) {
  if (dtype == DType::kI8) return 4;
  return dtype == DType::kBF16 ? 2 : 1;
}

/// The shape of a packed [out, in] weight.
inline Shape panel_shape(int64_t out, int64_t in, DType dtype) {
  const int64_t step = panel_step(dtype);
  return {(out + kPanelOutputs - 1) / kPanelOutputs, (in + step - 1) / step, kPanelOutputs, step};
}

/// Where element [output, input] of a packed weight of `shape` lies, in elements.
inline int64_t panel_offset(const Shape& shape, int64_t output, int64_t input) {
  const int64_t step = shape[3];
  const int64_t panel = output / kPanelOutputs;
  return ((panel * shape[1] + input / step) * kPanelOutputs + output % kPanelOutputs) * step + input % step;
}

}  // namespace caravan
