// Which weights become 0, by how much each matters. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quantize/options.h"
#include "tensor/view.h"

namespace caravan {

/// Marks, [out, in], the weights of `weights`, fp32 [out, in], that are to become 0, as mark_least()
/// (checkpoint/prune.h) chooses them: a weight's importance is its magnitude times `input_norms[i]`, [in]:
/// the norm of input i over a text (Wanda: Sun et al., 2023, arXiv:2306.11695), or nothing, for its magnitude
/// alone.
std::vector<uint8_t> least_important(const ConstTensorView& weights, std::span<const float> input_norms,
                                     Sparsity sparsity);

}  // namespace caravan
