// Packed linear by a level's panel kernels: how the work is cut for the lanes.
// Thread safety: pure functions of their arguments.
#pragma once

#include <algorithm>

#include "kernels/cpu/common/raw.h"
#include "ops/kernel_table.h"

namespace caravan::cpu {

static_assert(kPanel == kPanelOutputs && kPanel / 2 == kInterleave);

/// A step of so many tokens is one tile, which reads each panel once.
constexpr int64_t kOneTileTokens = 6;
/// Up to so many tokens a step waits for memory more than for arithmetic.
constexpr int64_t kStreamedTokens = 16;

/// Inputs of x and the weight.
inline int64_t inputs_of(const PackedLinearArgs& args) {
  return is_quantized(args) ? args.in : args.x.shape[1];
}

/// What `args` asks for, or what is near the best on the machines measured (docs/performance.md): a block of
/// a panel of 32 KB, which stays in the L1 cache for all tokens of a block, or half of that where memory is
/// asked for the next block meanwhile. `element` is how many bytes a weight has when it is multiplied.
inline MatmulTiles tiles_of(const PackedLinearArgs& args, int64_t element) {
  const int64_t step_tokens = args.x.shape[0];
  const bool few_tiles = step_tokens > kOneTileTokens && step_tokens <= kStreamedTokens;
  const int64_t block_bytes = few_tiles ? 16384 : 32768;
  const int64_t inputs = args.tiles.inputs == 0 ? block_bytes / kPanel / element : args.tiles.inputs;
  const int64_t tokens = args.tiles.tokens == 0 ? kMaxBlockTokens : args.tiles.tokens;
  // Whole steps, of up to 4 inputs.
  const int64_t even = std::clamp<int64_t>(inputs, 4, kMaxBlockInputs) / 4 * 4;
  PanelSplit split = args.tiles.split;
  if (split == PanelSplit::kKernelsChoice)
    split = step_tokens <= kStreamedTokens ? PanelSplit::kShares : PanelSplit::kQueue;
  return {even, std::clamp<int64_t>(tokens, 1, kMaxBlockTokens), split};
}

/// A matrix of so many bytes is likely to be in a cache when it is needed again: one core's L2 cache holds
/// it, and a model of such matrices is small as a whole.
constexpr uint64_t kCachedMatrix = uint64_t{2} << 20U;

/// Panel `panel` against tokens `begin` to `end` - 1.
inline PanelTask panel_task(const PackedLinearArgs& args, const MatmulTiles& tiles, int64_t panel,
                            Range tokens) {
  const bool halves = args.epilogue == Epilogue::kSiluMul;
  const int64_t width = args.y.shape[1];
  const int64_t per_panel = halves ? kPanel / 2 : kPanel;
  const int64_t column = panel * per_panel;
  const auto bytes = [](const auto& view, int64_t elements) {
    return static_cast<const char*>(view.data) + elements * static_cast<int64_t>(size_of(view.dtype));
  };
  const auto* bias = static_cast<const float*>(args.bias.data);
  const bool adds = args.epilogue == Epilogue::kResidual;
  return {
      .x = bytes(args.x, tokens.begin * args.x.shape[1]),
      .panel = bytes(args.weight, panel * args.weight.shape.elements() / args.weight.shape[0]),
      .bias = bias == nullptr ? nullptr : bias + panel * kPanel,
      .residual = adds ? args.residual.as<float>() + tokens.begin * width + column : nullptr,
      .y = static_cast<char*>(args.y.data) +
           (tokens.begin * width + column) * static_cast<int64_t>(size_of(args.y.dtype)),
      .tokens = tokens.end - tokens.begin,
      .in = inputs_of(args),
      .stride = width,
      .columns = std::min(per_panel, width - column),
      .halves = halves,
      .y_bf16 = args.y.dtype == DType::kBF16,
      .block_inputs = tiles.inputs,
      .block_tokens = tiles.tokens,
      .cached = args.weight.bytes() <= kCachedMatrix,
  };
}

/// Tokens that a block which stays in a cache is a multiple of: those of two of AMX's tiles.
constexpr int64_t kResidentGrain = 32;

/// Tokens of a block that stays in `bytes` of a cache.
inline int64_t resident_tokens(const ConstTensorView& x, int64_t bytes) {
  const int64_t row_bytes = x.shape[1] * static_cast<int64_t>(size_of(x.dtype));
  return std::max<int64_t>(bytes / row_bytes / kResidentGrain, 1) * kResidentGrain;
}

/// The tokens of a step in blocks that a kernel keeps in a cache while panel after panel passes: at most
/// `most` in each, and so many blocks that lanes can have as many each, or share each as many.
inline int64_t resident_blocks(int64_t tokens, int64_t most, int64_t lanes) {
  int64_t blocks = (tokens + most - 1) / most;
  while (blocks % lanes != 0 && (blocks > lanes || lanes % blocks != 0)) ++blocks;
  return blocks;
}

/// Every panel of a packed weight against blocks of tokens that stay in a lane's L2 cache: each lane has its
/// own blocks, or its own panels where lanes share one, but for a last part that whichever is free takes.
/// `run` does a PanelTask.
template <typename Run>
class ResidentWork {
 public:
  /// `bytes` of inputs fit in the cache.
  ResidentWork(const PackedLinearArgs& args, const MatmulTiles& tiles, const Run& run, int64_t bytes,
               Lane lane)
      : args_(args),
        run_(run),
        lane_(lane),
        tiles_(tiles),
        panels_(args.weight.shape[0]),
        tokens_(args.x.shape[0]) {
    blocks_ = resident_blocks(tokens_, resident_tokens(args.x, bytes), lane.count);
  }

  void run() const {
    const int64_t own = panels_ - panels_ / kSharedPart;
    const auto panel_bytes = static_cast<int64_t>(args_.weight.bytes()) / panels_;
    const int64_t group = std::max<int64_t>(1, kGroupBytes / panel_bytes);
    for (int64_t first = 0; first < own; first += group) do_own_blocks({first, std::min(first + group, own)});
    // Block by block for each part of the panels, so that lanes which are as fast keep their blocks.
    const int64_t rest = panels_ - own;
    const int64_t parts = std::min(rest, kParts);
    lane_.for_each(parts * blocks_, [&](int64_t item) {
      const Range part = share_of(rest, {static_cast<int>(item / blocks_), static_cast<int>(parts)});
      do_panels(item % blocks_, {own + part.begin, own + part.end});
    });
  }

 private:
  /// Panels that come from the L3 cache for every block but the first, and leave room there for others.
  static constexpr int64_t kGroupBytes = int64_t{16} << 20;
  /// A lane that was slowed down by an eighth of its work keeps nobody waiting.
  static constexpr int64_t kSharedPart = 8;
  static constexpr int64_t kParts = 4;

  /// Lane i has the blocks i blocks / lanes .., or is one of those that share a block.
  void do_own_blocks(Range panels) const {
    const int64_t sharing = std::max<int64_t>(1, lane_.count / blocks_);
    const Lane member = {static_cast<int>(lane_.index % sharing), static_cast<int>(sharing)};
    const Range share = share_of(panels.end - panels.begin, member);
    for (int64_t block = 0; block < blocks_; ++block) {
      if (block * lane_.count / blocks_ / sharing != lane_.index / sharing) continue;
      do_panels(block, {panels.begin + share.begin, panels.begin + share.end});
    }
  }

  void do_panels(int64_t block, Range panels) const {
    const Range tokens =
        share_of(tokens_, {static_cast<int>(block), static_cast<int>(blocks_)}, kResidentGrain);
    if (tokens.begin == tokens.end) return;
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      PanelTask task = panel_task(args_, tiles_, panel, tokens);
      if (panel + 1 < panels.end) task.next = panel_task(args_, tiles_, panel + 1, tokens).panel;
      run_(task);
    }
  }

  const PackedLinearArgs& args_;
  const Run& run_;
  Lane lane_;
  MatmulTiles tiles_;
  int64_t panels_;
  int64_t tokens_;
  int64_t blocks_ = 1;
};

/// Calls run(panel, tokens) for the lane's share of the panels, or of parts of their tokens.
template <typename Run>
void for_each_panel(const PackedLinearArgs& args, const MatmulTiles& tiles, Lane lane, const Run& run) {
  const int64_t tokens = args.x.shape[0];
  const int64_t panels = args.weight.shape[0];
  if (tiles.split == PanelSplit::kShares) {
    const Range part = share_of(panels, lane);
    for (int64_t panel = part.begin; panel < part.end; ++panel) run(panel, Range{0, tokens});
    return;
  }
  // Enough items that the last lane to finish has little to wait for, and no more: each reads its panel anew.
  constexpr int64_t kItemsPerLane = 8;
  const int64_t blocks = (tokens + tiles.tokens - 1) / tiles.tokens;
  const int64_t cuts = std::clamp<int64_t>(kItemsPerLane * lane.count / panels, 1, blocks);
  lane.for_each(panels * cuts, [&](int64_t item) {
    const Lane cut = {static_cast<int>(item % cuts), static_cast<int>(cuts)};
    run(item / cuts, share_of(tokens, cut, tiles.tokens));
  });
}

template <const LevelKernels& kLevel>
auto panel_kernel(DType weight) -> void (*)(const PanelTask&) {
  return weight == DType::kF32   ? kLevel.panel_f32
         : weight == DType::kF16 ? kLevel.panel_f16
                                 : kLevel.panel_bf16;
}

template <const LevelKernels& kLevel>
void packed_linear(const PackedLinearArgs& args, Lane lane) {
  void (*const run)(const PanelTask&) = panel_kernel<kLevel>(args.weight.dtype);
  const MatmulTiles tiles = tiles_of(args, static_cast<int64_t>(size_of(args.weight.dtype)));
  if (args.weight.dtype == DType::kBF16 && kLevel.resident_bf16 > 0 && args.x.shape[0] >= kResidentFrom)
    return ResidentWork(args, tiles, run, kLevel.resident_bf16, lane).run();
  for_each_panel(args, tiles, lane,
                 [&](int64_t panel, Range tokens) { run(panel_task(args, tiles, panel, tokens)); });
}

}  // namespace caravan::cpu
