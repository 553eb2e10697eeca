// Packed linear with quantised weights by a level's kernels.
// Thread safety: pure functions of their arguments.
#pragma once

#include "kernels/cpu/x86/packed_linear.h"

namespace caravan::cpu {

inline ScaleType scale_type(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return ScaleType::kF16;
    case DType::kBF16:
      return ScaleType::kBF16;
    default:
      return ScaleType::kF32;
  }
}

inline QuantizedPanel quantized_panel(const PackedLinearArgs& args) {
  const WeightQuant& weight = args.format.weight;
  const ChunkLayout layout = chunk_layout(args.format, args.in);
  return {.group = args.in / groups_of(weight, args.in),
          .chunk_bytes = layout.bytes,
          .zeros = layout.zeros,
          .sums = layout.sums,
          .values = layout.values,
          .bits = weight.bits,
          .has_zeros = weight.zero_points,
          .scale = scale_type(args.format.scale)};
}

/// W8A8.
template <const LevelKernels& kLevel>
void packed_linear_i8(const PackedLinearArgs& args, Lane lane) {
  const MatmulTiles tiles = tiles_of(args, 1);
  for_each_panel(args, tiles, lane, [&](int64_t panel, Range tokens) {
    kLevel.panel_i8({.panel = panel_task(args, tiles, panel, tokens),
                     .weight = quantized_panel(args),
                     .x_stride = args.x.shape[1],
                     .meaning = row_meaning_offset(args.in)});
  });
}

}  // namespace caravan::cpu
