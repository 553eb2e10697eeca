// The parts of a chunk of a quantised weight (tensor/quantization.h) as vectors.
// Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/elements.h"
#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// The scales of a vector of outputs of the chunk, from `column` on.
template <typename V>
inline typename V::F load_scales(const QuantizedPanel& weight, const char* chunk, Index column) {
  switch (weight.scale) {
    case ScaleType::kF16:
      return V::load(reinterpret_cast<const F16*>(chunk) + column);
    case ScaleType::kBF16:
      return V::load(reinterpret_cast<const BF16*>(chunk) + column);
    default:
      return V::load(reinterpret_cast<const float*>(chunk) + column);
  }
}

}  // namespace
}  // namespace caravan::cpu
