// Packed linear with quantised weights by a level's kernels.
// Thread safety: pure functions of their arguments.
#pragma once

#include <algorithm>
#include <vector>

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

/// A level's kernels of a weight that alone is quantised, by what it is multiplied as.
struct WeightOnlyKernels {
  void (*few)(const QuantizedTask&);
  void (*expand)(const QuantizedTask&, void* to);
  void (*panel)(const PanelTask&);  ///< of ordinary panels
};

template <const LevelKernels& kLevel>
WeightOnlyKernels weight_only_kernels(DType order) {
  switch (order) {
    case DType::kF32:
      return {kLevel.weight_only_f32, kLevel.expand_f32, kLevel.panel_f32};
    case DType::kF16:
      return {kLevel.weight_only_f16, kLevel.expand_f16, kLevel.panel_f16};
    default:
      return {kLevel.weight_only_bf16, kLevel.expand_bf16, kLevel.panel_bf16};
  }
}

/// Whether groups are of an odd number of inputs where inputs lie in pairs, so that every other group begins
/// in the middle of a pair.
inline bool cuts_pairs(const PackedLinearArgs& args, const QuantizedPanel& weight) {
  return weight.group != args.in && weight.group % panel_step(args.format.order) != 0;
}

/// A panel of such groups, expanded to `to` [steps, 64, 2], 16 bits each: group by group as `expand` does it,
/// whose last pair's second input is 0, each then moved to where its first input belongs.
inline void expand_cut_pairs(const QuantizedTask& task, void (*expand)(const QuantizedTask&, void* to),
                             void* to) {
  static_assert(sizeof(uint32_t) == 2 * sizeof(BFloat16));
  auto* const pairs = static_cast<uint32_t*>(to);
  const Index group_pairs = (task.weight.group + 1) / 2;
  std::vector<uint32_t> group(static_cast<size_t>(group_pairs * kPanel));
  QuantizedTask part = task;
  part.panel.in = task.weight.group;
  for (Index begin = 0; begin < task.panel.in; begin += task.weight.group) {
    part.panel.panel =
        static_cast<const char*>(task.panel.panel) + begin / task.weight.group * task.weight.chunk_bytes;
    expand(part, group.data());
    uint32_t* const first = pairs + begin / 2 * kPanel;
    if (begin % 2 == 0) {
      std::copy(group.begin(), group.end(), first);
      continue;
    }
    // In memory the first input of a pair comes first, which is the lower half of a word of this CPU.
    for (Index i = 0; i < group_pairs * kPanel; ++i) {
      first[i] = (first[i] & 0xFFFFU) | group[static_cast<size_t>(i)] << 16U;
      first[i + kPanel] = group[static_cast<size_t>(i)] >> 16U;
    }
  }
}

/// W8A16, W4A16.
template <const LevelKernels& kLevel>
void packed_linear_weight_only(const PackedLinearArgs& args, Lane lane) {
  const QuantizedPanel weight = quantized_panel(args);
  const bool cut = cuts_pairs(args, weight);
  const WeightOnlyKernels kernels = weight_only_kernels<kLevel>(args.format.order);
  const auto element = static_cast<int64_t>(size_of(args.format.order));
  const MatmulTiles tiles = tiles_of(args, element);
  const bool few = args.x.shape[0] <= kFewExpandedTokens && !cut;
  // Of one panel, with room for the last step, and where pairs are cut for one that is moved beyond it.
  const Buffer expanded(few ? 0 : static_cast<size_t>((args.in + 3) * kPanel * element));
  for_each_panel(args, tiles, lane, [&](int64_t panel, Range tokens) {
    QuantizedTask task = {.panel = panel_task(args, tiles, panel, tokens), .weight = weight};
    if (few) return kernels.few(task);
    if (cut) {
      expand_cut_pairs(task, kernels.expand, expanded.data());
    } else {
      kernels.expand(task, expanded.data());
    }
    task.panel.panel = expanded.data();
    kernels.panel(task.panel);
  });
}

}  // namespace caravan::cpu
