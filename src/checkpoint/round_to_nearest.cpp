#include "checkpoint/round_to_nearest.h"

namespace caravan {

namespace {

/// The nearest value of `dtype`, as fp32.
float rounded_to(DType dtype, float value) {
  switch (dtype) {
    case DType::kF16:
      return to_float(to_half(value));
    case DType::kBF16:
      return to_float(to_bfloat16(value));
    default:
      return value;
  }
}

}  // namespace

GroupMeaning meaning_of(const float* values, int64_t count, const WeightQuant& quant, DType scale) {
  const auto [low, high] = std::minmax_element(values, values + count);
  const float smallest = std::min(*low, 0.0F);
  const float largest = std::max(*high, 0.0F);
  const auto steps = static_cast<float>((1 << quant.bits) - 1);
  const float range = quant.zero_points ? largest - smallest : 2.0F * std::max(largest, -smallest);
  GroupMeaning group;
  group.scale = rounded_to(scale, range / steps);
  if (!(group.scale > 0.0F)) return {};
  const auto least = static_cast<float>(-(1 << (quant.bits - 1)));
  if (quant.zero_points) {
    group.zero = std::clamp(std::nearbyint(least - smallest / group.scale), least, least + steps);
  }
  return group;
}

void round_to_nearest(const float* rows, int64_t count, int64_t in, const WeightQuant& quant, DType scale,
                      const QuantizedRows& to) {
  const int64_t groups = groups_of(quant, in);
  const int64_t width = in / groups;
  for (int64_t g = 0; g < count * groups; ++g) {
    const float* values = rows + g * width;
    const GroupMeaning group = meaning_of(values, width, quant, scale);
    to.scales[g] = group.scale;
    if (to.zeros != nullptr) to.zeros[g] = static_cast<int8_t>(group.zero);
    for (int64_t i = 0; i < width; ++i)
      to.values[g * width + i] = static_cast<int8_t>(nearest_number(values[i], group, quant));
  }
}

}  // namespace caravan
