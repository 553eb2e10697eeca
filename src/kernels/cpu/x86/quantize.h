// The quantisation of rows, alone or after a norm, by a level's kernels.
// Thread safety: pure functions of their arguments.
#pragma once

#include <cstddef>

#include "kernels/cpu/common/raw.h"
#include "ops/kernel_table.h"

namespace caravan::cpu {

inline RowMode mode_of(ActivationQuant mode) {
  switch (mode) {
    case ActivationQuant::kSymmetric:
      return RowMode::kSymmetric;
    case ActivationQuant::kStatic:
      return RowMode::kStatic;
    default:
      return RowMode::kPerToken;
  }
}

/// The lane's part of quantising x [tokens, width] to y.
inline QuantizeTask quantize_task(const ConstTensorView& x, const RowQuant& rows, const TensorView& y,
                                  Lane lane) {
  // The levels write a scale and a zero point one after the other.
  static_assert(sizeof(RowMeaning) == 8 && offsetof(RowMeaning, zero) == 4);
  const Range part = share_of(x.shape[0], lane);
  return {.x = x.data,
          .y = y.as<uint8_t>(),
          .width = x.shape[1],
          .y_stride = y.shape[1],
          .meaning = row_meaning_offset(x.shape[1]),
          .begin = part.begin,
          .end = part.end,
          .mode = mode_of(rows.mode),
          .scale = rows.scale,
          .zero = rows.zero};
}

template <const LevelKernels& kLevel>
void quantize_rows(const QuantizeRowsArgs& args, Lane lane) {
  const QuantizeTask task = quantize_task(args.x, args.rows, args.y, lane);
  (args.x.dtype == DType::kF32 ? kLevel.quantize_rows_f32 : kLevel.quantize_rows_bf16)(task);
}

template <const LevelKernels& kLevel>
void rms_norm_quantized(const RmsNormArgs& args, Lane lane) {
  QuantizeTask task = quantize_task(args.x, args.rows, args.y, lane);
  task.norm_weight = args.weight.as<float>();
  task.epsilon = args.epsilon;
  kLevel.rms_norm_u8(task);
}

}  // namespace caravan::cpu
