// Grouped linear by the panel kernels of packed linear: how the experts' work is cut for the lanes.
// Thread safety: pure functions of their arguments.
#pragma once

#include "kernels/cpu/x86/packed_linear.h"
#include "kernels/cpu/x86/quantized_linear.h"

namespace caravan::cpu {

/// The work of a grouped linear in items: some panels of one expert, which follow each other in memory,
/// against a block of its rows. Experts without rows have none, so that nobody reads their weights. Items of
/// a block follow each other, so that lanes which take them in turn keep the block in their caches.
class ExpertItems {
 public:
  /// `most_rows`: of a block.
  ExpertItems(const GroupedLinearArgs& args, int64_t most_rows, Lane lane)
      : args_(args), lane_(lane), panels_(args.weight.shape[0] / experts_of(args)) {
    int64_t active = 0;
    for (int64_t expert = 0; expert < experts_of(args); ++expert) {
      const int64_t rows = rows_of(expert);
      active += rows > 0;
      most_rows_of_expert_ = std::max(most_rows_of_expert_, rows);
    }
    const int64_t wanted = kItemsPerLane * lane.count;
    item_panels_ = std::clamp<int64_t>(active * panels_ / wanted, 1, kMostPanels);
    // Few panels for the lanes: rows are cut too.
    const int64_t cuts = std::max<int64_t>(1, wanted / std::max<int64_t>(active * panels_, 1));
    const int64_t cut_rows = (most_rows_of_expert_ + cuts - 1) / cuts;
    block_rows_ = std::clamp<int64_t>(most_rows, 1, std::max<int64_t>(cut_rows, kMaxBlockTokens));
  }

  [[nodiscard]] int64_t most_rows_of_expert() const { return most_rows_of_expert_; }

  /// Calls run(linear, panels, rows) for the lane's share: the packed linear of an expert, and which of its
  /// panels and rows.
  template <typename Run>
  void for_each(const Run& run) const {
    int64_t all = 0;
    for (int64_t expert = 0; expert < experts_of(args_); ++expert) all += items_of(expert);
    int64_t expert = 0;
    int64_t first = 0;  // item of the expert
    lane_.for_each(all, [&](int64_t item) {
      for (; item >= first + items_of(expert); ++expert) first += items_of(expert);
      const PackedLinearArgs linear = linear_of_expert(args_, expert);
      const int64_t panel = (item - first) % parts() * item_panels_;
      const int64_t row = (item - first) / parts() * block_rows_;
      run(linear, Range{panel, std::min(panel + item_panels_, panels_)},
          Range{row, std::min(row + block_rows_, rows_of(expert))});
    });
  }

 private:
  /// So that the last lane to finish has little to wait for.
  static constexpr int64_t kItemsPerLane = 16;
  /// Half a megabyte or more: beyond that, longer runs through memory gain nothing.
  static constexpr int64_t kMostPanels = 8;

  [[nodiscard]] int64_t rows_of(int64_t expert) const {
    const int32_t* offsets = args_.offsets.as<int32_t>() + expert;
    return offsets[1] - offsets[0];
  }
  /// Items of a block.
  [[nodiscard]] int64_t parts() const { return (panels_ + item_panels_ - 1) / item_panels_; }
  [[nodiscard]] int64_t items_of(int64_t expert) const {
    return (rows_of(expert) + block_rows_ - 1) / block_rows_ * parts();
  }

  const GroupedLinearArgs& args_;
  Lane lane_;
  int64_t panels_;  ///< of an expert
  int64_t most_rows_of_expert_ = 0;
  int64_t item_panels_ = 1;
  int64_t block_rows_ = 1;
};

/// The lane's share by `run`, which does a PanelTask, of weights of `element` bytes when they are multiplied.
/// `resident`: bytes of inputs that the kernel keeps in the L2 cache; 0: it does not.
template <typename Run>
void run_expert_panels(const GroupedLinearArgs& args, int64_t element, int64_t resident, Lane lane,
                       const Run& run) {
  const int64_t most_rows = resident > 0 ? resident_tokens(args.x, resident) : args.x.shape[0];
  ExpertItems(args, most_rows, lane).for_each([&](const PackedLinearArgs& linear, Range panels, Range rows) {
    const MatmulTiles tiles = tiles_of(linear, element);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      PanelTask task = panel_task(linear, tiles, panel, rows);
      if (panel + 1 < panels.end) task.next = panel_task(linear, tiles, panel + 1, rows).panel;
      run(task);
    }
  });
}

template <const LevelKernels& kLevel>
void grouped_linear(const GroupedLinearArgs& args, Lane lane) {
  const DType weight = args.weight.dtype;
  run_expert_panels(args, static_cast<int64_t>(size_of(weight)),
                    weight == DType::kBF16 ? kLevel.resident_bf16 : 0, lane, panel_kernel<kLevel>(weight));
}

/// W8A8, W4A8.
template <const LevelKernels& kLevel>
void grouped_linear_i8(const GroupedLinearArgs& args, Lane lane) {
  const ExpertItems items(args, args.x.shape[0], lane);
  const BytePanels<kLevel> kernels(linear_of_expert(args, 0), items.most_rows_of_expert());
  items.for_each([&](const PackedLinearArgs& linear, Range panels, Range rows) {
    const MatmulTiles tiles = tiles_of(linear, 1);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) kernels.run(linear, tiles, panel, rows);
  });
}

/// W8A16, W4A16.
template <const LevelKernels& kLevel>
void grouped_linear_weight_only(const GroupedLinearArgs& args, Lane lane) {
  if (args.format.order == DType::kBF16) {
    const QuantizedPanel weight = quantized_panel(linear_of_expert(args, 0));
    const auto run = [&weight](const PanelTask& task) {
      kLevel.weight_only_bf16({.panel = task, .weight = weight});
    };
    return run_expert_panels(args, static_cast<int64_t>(size_of(DType::kBF16)), kLevel.resident_bf16, lane,
                             run);
  }
  const ExpertItems items(args, args.x.shape[0], lane);
  const WeightOnlyPanels<kLevel> kernels(args.format.order, args.in, items.most_rows_of_expert());
  items.for_each([&](const PackedLinearArgs& linear, Range panels, Range rows) {
    const MatmulTiles tiles = kernels.tiles(linear);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) kernels.run(linear, tiles, panel, rows);
  });
}

}  // namespace caravan::cpu
