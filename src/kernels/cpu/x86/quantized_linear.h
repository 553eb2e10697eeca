// Packed linear with quantised weights by a level's kernels.
// Thread safety: pure functions of their arguments.
#pragma once

#include "kernels/cpu/x86/packed_linear.h"
#include "tensor/buffer.h"

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

/// W8A16 and W4A16 in the order of bf16.
template <const LevelKernels& kLevel>
void packed_linear_by_groups(const PackedLinearArgs& args, Lane lane) {
  const QuantizedPanel weight = quantized_panel(args);
  const MatmulTiles tiles = tiles_of(args, static_cast<int64_t>(size_of(DType::kBF16)));
  const auto run = [&weight](const PanelTask& task) {
    kLevel.weight_only_bf16({.panel = task, .weight = weight});
  };
  if (kLevel.resident_bf16 > 0 && args.x.shape[0] >= kResidentFrom)
    return ResidentWork(args, tiles, run, kLevel.resident_bf16, lane).run();
  for_each_panel(args, tiles, lane,
                 [&](int64_t panel, Range tokens) { run(panel_task(args, tiles, panel, tokens)); });
}

/// A level's kernels of a weight that alone is quantised, by what it is multiplied as.
struct WeightOnlyKernels {
  void (*few)(const QuantizedTask&);
  void (*expand)(const QuantizedTask&, void* to);
  void (*panel)(const PanelTask&);  ///< of ordinary panels
};

template <const LevelKernels& kLevel>
WeightOnlyKernels weight_only_kernels(DType order) {
  if (order == DType::kF32) return {kLevel.weight_only_f32, kLevel.expand_f32, kLevel.panel_f32};
  return {kLevel.weight_only_f16, kLevel.expand_f16, kLevel.panel_f16};
}

/// W8A16, W4A16.
template <const LevelKernels& kLevel>
void packed_linear_weight_only(const PackedLinearArgs& args, Lane lane) {
  if (args.format.order == DType::kBF16) return packed_linear_by_groups<kLevel>(args, lane);
  const QuantizedPanel weight = quantized_panel(args);
  const WeightOnlyKernels kernels = weight_only_kernels<kLevel>(args.format.order);
  const auto element = static_cast<int64_t>(size_of(args.format.order));
  const MatmulTiles tiles = tiles_of(args, element);
  const bool few = args.x.shape[0] <= kFewExpandedTokens;
  // Of one panel.
  const Buffer expanded(few ? 0 : static_cast<size_t>(args.in * kPanel * element));
  for_each_panel(args, tiles, lane, [&](int64_t panel, Range tokens) {
    QuantizedTask task = {.panel = panel_task(args, tiles, panel, tokens), .weight = weight};
    if (few) return kernels.few(task);
    kernels.expand(task, expanded.data());
    task.panel.panel = expanded.data();
    kernels.panel(task.panel);
  });
}

}  // namespace caravan::cpu
