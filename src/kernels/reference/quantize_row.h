// One row of activations quantised, in the fp32 steps that ops/quantize_rows.h gives.
// Thread safety: pure functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tensor/quantization.h"

namespace caravan::reference {

/// To 0 .. 255, ties to even; 0 where `value` is NaN.
inline int32_t rounded_to_byte(float value) {
  return static_cast<int32_t>(std::nearbyint(value > 0.0F ? std::min(value, 255.0F) : 0.0F));
}

/// The scale and the zero point that `rows` gives a row of values.
inline RowMeaning meaning_of(const std::vector<float>& values, const RowQuant& rows) {
  if (rows.mode == ActivationQuant::kStatic) return {rows.scale, rows.zero};
  float low = 0.0F;
  float high = 0.0F;
  for (const float value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const bool symmetric = rows.mode == ActivationQuant::kSymmetric;
  const float exact = symmetric ? std::max(high, -low) / 127.5F : (high - low) / 255.0F;
  const float scale = exact < std::numeric_limits<float>::min() ? 1.0F : exact;
  return {scale, symmetric ? 128 : rounded_to_byte(-low / scale)};
}

/// Writes the row [quantized_row_bytes(values.size())] to `y`.
inline void quantize_row(const std::vector<float>& values, const RowQuant& rows, uint8_t* y) {
  const auto width = static_cast<int64_t>(values.size());
  const RowMeaning meaning = meaning_of(values, rows);
  std::memset(y, 0, static_cast<size_t>(quantized_row_bytes(width)));
  for (const float value : values)
    *y++ = static_cast<uint8_t>(rounded_to_byte(value / meaning.scale + static_cast<float>(meaning.zero)));
  std::memcpy(y - width + row_meaning_offset(width), &meaning, sizeof meaning);
}

}  // namespace caravan::reference
