// The plainest quantisation of a matrix: scales from the extreme values of each group, numbers by rounding to
// the nearest. What `--quantize` does while a model loads. Thread safety: pure functions.
#pragma once

#include <algorithm>
#include <cmath>

#include "checkpoint/quantized_weight.h"

namespace caravan {

/// What the numbers of a group stand for: scale * (q - zero).
struct GroupMeaning {
  float scale = 1.0F;
  float zero = 0.0F;
};

/// Of `count` values: as round_to_nearest() below has it.
GroupMeaning meaning_of(const float* values, int64_t count, const WeightQuant& quant, DType scale);

/// The number that stands for the value nearest to `value`.
inline float nearest_number(float value, const GroupMeaning& meaning, const WeightQuant& quant) {
  const auto least = static_cast<float>(-(1 << (quant.bits - 1)));
  const auto most = static_cast<float>((1 << (quant.bits - 1)) - 1);
  return std::nearbyint(std::clamp(value / meaning.scale + meaning.zero, least, most));
}

/// Quantises `count` rows of `in` inputs each, given one below the other. A group's scale is rounded to
/// `scale` (fp32, fp16 or bf16) before its numbers are made. Without zero points it is the largest magnitude
/// over 127.5 (7.5 for 4 bits), with them the range from the smallest value or 0 to the largest value or 0
/// over 255 (15); 1 for a group of zeros: the formulas of compressed-tensors. Numbers are rounded to nearest,
/// ties to even.
void round_to_nearest(const float* rows, int64_t count, int64_t in, const WeightQuant& quant, DType scale,
                      const QuantizedRows& to);

}  // namespace caravan
