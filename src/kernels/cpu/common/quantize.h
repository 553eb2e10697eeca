// The quantisation of rows, alone or after RMSNorm, for any vector type V. Contracts: ops/quantize_rows.h,
// ops/rms_norm.h. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/rows.h"

namespace caravan::cpu {
namespace {

/// The smallest normal fp32: a row whose scale would be below it has the scale 1.
constexpr float kLeastScale = 1.17549435e-38F;

/// As tensor/quantization.h has it (x86/quantize.h checks it).
struct RowScale {
  float scale;
  int zero;
};

/// x / s + z for a row's scale s and zero point z, clamped to 0 .. 255; 0 for NaN.
///
/// Vectors are divided by the scale's reciprocal and two corrections, a third of a division's time. The first
/// correction leaves a quotient that is one of the two next to x / s, the second the nearest: Markstein's
/// theorem (IBM Journal of Research and Development 34, 1990), which wants the reciprocal rounded to nearest,
/// and remainders that are exact. So they are for x >= 2^-90: below it a quotient by a scale of at least
/// 2^-60 is too small to matter. Scales that are out of the ordinary are divided by.
template <typename V>
class Shift {
 public:
  explicit Shift(RowScale row)
      : scale_(V::set(row.scale)),
        inverse_(V::set(1.0F / row.scale)),
        limit_(V::set(kFarAway * row.scale)),
        zero_(V::set(static_cast<float>(row.zero))),
        ordinary_(row.scale >= 0x1p-60F && row.scale <= 0x1p60F) {}

  [[nodiscard]] typename V::F operator()(typename V::F x) const {
    // In this order, because x86's max returns its second operand where either is NaN.
    return V::min(V::max(V::add(quotient(x), zero_), V::zero()), V::set(255.0F));
  }

 private:
  /// A quotient beyond the range by so much that it is clamped whatever the zero point.
  static constexpr float kFarAway = 1024.0F;

  [[nodiscard]] typename V::F quotient(typename V::F x) const {
    if (!ordinary_) return V::div(x, scale_);
    const typename V::F minus = V::sub(V::zero(), scale_);
    const typename V::F near = V::min(V::max(x, V::sub(V::zero(), limit_)), limit_);
    const typename V::F first = V::mul(near, inverse_);
    const typename V::F second = V::fma(V::fma(first, minus, near), inverse_, first);
    return V::fma(V::fma(second, minus, near), inverse_, second);
  }

  typename V::F scale_;
  typename V::F inverse_;
  typename V::F limit_;
  typename V::F zero_;
  bool ordinary_;
};

/// The scale and the zero point of the row whose values value_at(i, count) gives.
template <typename V, typename ValueAt>
inline RowScale scale_of(const QuantizeTask& task, const ValueAt& value_at) {
  if (task.mode == RowMode::kStatic) return {task.scale, task.zero};
  typename V::F low = V::zero();
  typename V::F high = V::zero();
  for_each_vector<V>(0, task.width, [&](Index i, Index count) {
    // What fills the last vector up is 0, which changes neither.
    const typename V::F value = value_at(i, count);
    low = V::max(low, V::sub(V::zero(), value));
    high = V::max(high, value);
  });
  const float below = V::largest(low);  // how far the row reaches below 0
  const float above = V::largest(high);
  const bool symmetric = task.mode == RowMode::kSymmetric;
  const float exact = symmetric ? (above > below ? above : below) / 127.5F : (above + below) / 255.0F;
  const float scale = exact < kLeastScale ? 1.0F : exact;
  if (symmetric) return {scale, 128};
  unsigned char zero[V::kWidth];
  V::store_bytes(zero, Shift<V>({scale, 0})(V::set(below)));
  return {scale, zero[0]};
}

template <typename V, typename ValueAt>
inline void quantize_row(const QuantizeTask& task, Index row, const ValueAt& value_at) {
  const RowScale found = scale_of<V>(task, value_at);
  unsigned char* y = task.y + row * task.y_stride;
  const Shift<V> shifted(found);
  for_each_vector<V>(0, task.width, [&](Index i, Index count) {
    // The last vector ends within the row's last cache line, the rest of which becomes 0 below.
    V::store_bytes(y + i, shifted(value_at(i, count)));
  });
  for (Index i = task.width; i < task.y_stride; ++i) y[i] = 0;
  __builtin_memcpy(y + task.meaning, &found, sizeof found);
}

template <typename V, typename X>
void quantize_rows(const QuantizeTask& task) {
  for (Index row = task.begin; row < task.end; ++row) {
    const X* x = static_cast<const X*>(task.x) + row * task.width;
    quantize_row<V>(task, row, [&](Index i, Index count) { return read<V>(x + i, count); });
  }
}

/// What is normed is computed once for the scale and once for the values: that is cheaper than memory for it.
template <typename V>
void rms_norm_quantized(const QuantizeTask& task) {
  for (Index row = task.begin; row < task.end; ++row) {
    const float* x = static_cast<const float*>(task.x) + row * task.width;
    const typename V::F scale = V::set(norm_scale<V>(squares_of<V>(x, task.width), task.width, task.epsilon));
    quantize_row<V>(task, row, [&](Index i, Index count) {
      return V::mul(V::mul(read<V>(x + i, count), scale), read<V>(task.norm_weight + i, count));
    });
  }
}

}  // namespace
}  // namespace caravan::cpu
