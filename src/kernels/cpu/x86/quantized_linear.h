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
          .chunk_inputs = args.in / chunks_of(args.format, args.in),
          .chunk_bytes = layout.bytes,
          .minimums = layout.minimums,
          .zeros = layout.zeros,
          .multiples = layout.multiples,
          .minimum_multiples = layout.minimum_multiples,
          .sums = layout.sums,
          .masks = layout.masks,
          .values = layout.values,
          .group_bytes = layout.group_bytes,
          .bits = weight.bits,
          .has_zeros = weight.zero_points,
          .has_minimums = weight.minimums,
          .has_multiples = weight.block != 0,
          .scale = scale_type(args.format.scale)};
}

/// A level's kernels of a weight whose int8 values are not stored one by one.
struct SourceKernels {
  void (*few)(const QuantizedTask&) = nullptr;
  void (*expand)(const QuantizedTask&, void* to) = nullptr;
};

template <const LevelKernels& kLevel>
SourceKernels source_kernels(const QuantizedFormat& format) {
  if (format.row_kept > 0) return {kLevel.sparse_i8, kLevel.expand_sparse};
  if (is_lifted(format)) return {kLevel.lifted_i8, kLevel.expand_lifted};
  return {};
}

/// The format of the same weight with every value stored as an int8.
inline QuantizedFormat as_bytes(QuantizedFormat format) {
  format.row_kept = 0;
  format.weight = {};
  return format;
}

/// Multiplies quantised rows by panels of int8: as they are stored, or from what stands for them, for many
/// tokens once for all.
template <const LevelKernels& kLevel>
class BytePanels {
 public:
  /// For at most so many tokens, by weights as those of `args`.
  BytePanels(const PackedLinearArgs& args, int64_t most_tokens)
      : kernels_(source_kernels<kLevel>(args.format)),
        stored_(quantized_panel(args)),
        bytes_(quantized_panel(byte_args(args))),
        expanded_(kernels_.expand == nullptr || most_tokens <= kFewExpandedTokens
                      ? 0
                      : static_cast<size_t>(bytes_.chunk_bytes)) {}

  void run(const PackedLinearArgs& args, const MatmulTiles& tiles, int64_t panel, Range tokens) const {
    QuantizedTask task = {.panel = panel_task(args, tiles, panel, tokens),
                          .weight = stored_,
                          .x_stride = args.x.shape[1],
                          .meaning = row_meaning_offset(args.in)};
    if (kernels_.expand == nullptr) return kLevel.panel_i8(task);
    if (args.x.shape[0] <= kFewExpandedTokens) return kernels_.few(task);
    kernels_.expand(task, expanded_.data());
    task.panel.panel = expanded_.data();
    task.weight = bytes_;
    kLevel.panel_i8(task);
  }

 private:
  static PackedLinearArgs byte_args(PackedLinearArgs args) {
    args.format = as_bytes(args.format);
    return args;
  }

  SourceKernels kernels_;
  QuantizedPanel stored_;
  QuantizedPanel bytes_;
  Buffer expanded_;  ///< one chunk; empty where tokens are few or values are stored
};

/// W8A8, W4A8.
template <const LevelKernels& kLevel>
void packed_linear_i8(const PackedLinearArgs& args, Lane lane) {
  const BytePanels<kLevel> panels(args, args.x.shape[0]);
  const MatmulTiles tiles = tiles_of(args, 1);
  for_each_panel(args, tiles, lane,
                 [&](int64_t panel, Range tokens) { panels.run(args, tiles, panel, tokens); });
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

/// Multiplies by panels of a weight that alone is quantised, of `in` inputs each, in the order of fp32 or
/// fp16.
template <const LevelKernels& kLevel>
class WeightOnlyPanels {
 public:
  /// For at most so many tokens.
  WeightOnlyPanels(DType order, int64_t in, int64_t most_tokens)
      : kernels_(weight_only_kernels<kLevel>(order)),
        element_(static_cast<int64_t>(size_of(order))),
        expanded_(most_tokens <= kFewExpandedTokens ? 0 : static_cast<size_t>(in * kPanel * element_)) {}

  [[nodiscard]] MatmulTiles tiles(const PackedLinearArgs& args) const { return tiles_of(args, element_); }

  void run(const PackedLinearArgs& args, const MatmulTiles& tiles, int64_t panel, Range tokens) const {
    QuantizedTask task = {.panel = panel_task(args, tiles, panel, tokens), .weight = quantized_panel(args)};
    if (args.x.shape[0] <= kFewExpandedTokens) return kernels_.few(task);
    kernels_.expand(task, expanded_.data());
    task.panel.panel = expanded_.data();
    kernels_.panel(task.panel);
  }

 private:
  WeightOnlyKernels kernels_;
  int64_t element_;
  Buffer expanded_;  ///< one panel; empty where tokens are few
};

/// W8A16, W4A16.
template <const LevelKernels& kLevel>
void packed_linear_weight_only(const PackedLinearArgs& args, Lane lane) {
  if (args.format.order == DType::kBF16) return packed_linear_by_groups<kLevel>(args, lane);
  const WeightOnlyPanels<kLevel> panels(args.format.order, args.in, args.x.shape[0]);
  const MatmulTiles tiles = panels.tiles(args);
  for_each_panel(args, tiles, lane,
                 [&](int64_t panel, Range tokens) { panels.run(args, tiles, panel, tokens); });
}

}  // namespace caravan::cpu
