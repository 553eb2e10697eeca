// The plainest quantisation of a matrix: scales from the extreme values of each group, numbers by rounding to
// the nearest. What `--quantize` does while a model loads. Thread safety: pure functions.
#pragma once

#include "checkpoint/quantized_weight.h"

namespace caravan {

/// Quantises `count` rows of `in` inputs each, given one below the other. A group's scale is rounded to
/// `scale` (fp32, fp16 or bf16) before its numbers are made. Without zero points it is the largest magnitude
/// over 127.5 (7.5 for 4 bits), with them the range from the smallest value or 0 to the largest value or 0
/// over 255 (15); 1 for a group of zeros: the formulas of compressed-tensors. Numbers are rounded to nearest,
/// ties to even.
void round_to_nearest(const float* rows, int64_t count, int64_t in, const WeightQuant& quant, DType scale,
                      const QuantizedRows& to);

}  // namespace caravan
