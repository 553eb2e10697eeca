// One panel of a packed weight against any number of tokens, for any vector type V and Dot.
//
// Every sum is one lane of one accumulator that runs over the inputs from first to last; between blocks of
// inputs it waits in memory, which does not round. So an element's value does not depend on tiles, blocks or
// how many tokens there are. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/dot.h"
#include "kernels/cpu/common/rows.h"

namespace caravan::cpu {
namespace {

/// From so many tokens on, a block of fp16 weights is widened once for all of them.
constexpr Index kWidenFrom = 12;
/// Bytes that a lane asks for ahead of those it reads: what memory delivers in the time that it takes to
/// answer (about 100 ns at 20 GB/s a core), twice over.
constexpr Index kAhead = 4096;

/// Inputs begin to end - 1 of a panel against a block of tokens.
template <typename Dot>
struct Block {
  const typename Dot::X* x;  ///< [tokens], rows x_stride apart, from input `begin` on
  Index x_stride;
  const typename Dot::W* w;  ///< [steps, 64, Dot::kStep]
  Index inputs;
  bool first;   ///< sums begin at zero
  Index ahead;  ///< cache lines of the next block that each step of a tile asks memory for
  typename Dot::Sum (*sums)[kPanel];  ///< [tokens, 64]
};

/// The inputs of the last step where only one of the two is there.
template <typename Dot>
inline typename Dot::Inputs spread_part(const typename Dot::X* from, Index count) {
  alignas(4) typename Dot::X padded[Dot::kStep] = {};
  for (Index i = 0; i < count; ++i) padded[i] = from[i];
  return Dot::spread(padded);
}

/// Adds one block to the sums of kTokens tokens from `token` on, for kVectors vectors of outputs from
/// `column` on. It asks memory for its share of the next block meanwhile: were the first tile to do all of
/// it, memory would rest while the others compute.
template <typename V, typename Dot, int kTokens, int kVectors>
inline void add_tile(const Block<Dot>& block, Index token, Index column) {
  typename V::F sums[kTokens][kVectors];
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v) {
      sums[t][v] = block.first ? V::zero() : V::load(&block.sums[token + t][column + v * V::kWidth]);
    }
  }
  const typename Dot::X* x = block.x + token * block.x_stride;
  const typename Dot::W* w = block.w + column * Dot::kStep;
  const Index steps = (block.inputs + Dot::kStep - 1) / Dot::kStep;
  const Index tile = token / Dot::kTokens * (kPanel / kVectors / V::kWidth) + column / kVectors / V::kWidth;
  const char* next = reinterpret_cast<const char*>(block.w + steps * kPanel * Dot::kStep) +
                     tile * steps * block.ahead * kLine;
  const auto step = [&](const auto& inputs_of) {
    for (Index line = 0; line < block.ahead; ++line, next += kLine) __builtin_prefetch(next, 0, 2);
    typename Dot::Weights weights[kVectors];
    for (int v = 0; v < kVectors; ++v) weights[v] = Dot::load(w + v * V::kWidth * Dot::kStep);
    for (int t = 0; t < kTokens; ++t) {
      const typename Dot::Inputs inputs = inputs_of(x + t * block.x_stride);
      for (int v = 0; v < kVectors; ++v) sums[t][v] = Dot::add(sums[t][v], weights[v], inputs);
    }
    w += kPanel * Dot::kStep;
    x += Dot::kStep;
  };
  Index left = block.inputs;
  for (; left >= Dot::kStep; left -= Dot::kStep) step([](const auto* from) { return Dot::spread(from); });
  if (left > 0) step([left](const auto* from) { return spread_part<Dot>(from, left); });
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v) V::store(&block.sums[token + t][column + v * V::kWidth], sums[t][v]);
  }
}

/// All 64 outputs for kTokens tokens.
template <typename V, typename Dot, int kTokens>
inline void add_tokens(const Block<Dot>& block, Index token) {
  // With few tokens narrow vectors leave registers free, and a panel is read in fewer passes.
  constexpr int kVectors = kTokens <= 2 ? 4 : V::kTileVectors;
  for (Index column = 0; column < kPanel; column += kVectors * V::kWidth)
    add_tile<V, Dot, kTokens, kVectors>(block, token, column);
}

/// The last tokens of a block, fewer than kTokens + 1.
template <typename V, typename Dot, int kTokens>
inline void add_rest(const Block<Dot>& block, Index token, Index count) {
  if constexpr (kTokens > 0) {
    if (count == kTokens) return add_tokens<V, Dot, kTokens>(block, token);
    add_rest<V, Dot, kTokens - 1>(block, token, count);
  }
}

/// Asks for the inputs of the next tile: each row is a short piece, which the CPU's own prefetching comes too
/// late for.
template <typename Dot>
inline void ask_for_inputs(const Block<Dot>& block, Index token, Index tokens) {
  const Index end = token + Dot::kTokens < tokens ? token + Dot::kTokens : tokens;
  constexpr Index kInputs = kLine / Index{sizeof(typename Dot::X)};
  for (Index t = token; t < end; ++t) {
    for (Index i = 0; i < block.inputs; i += kInputs)
      __builtin_prefetch(block.x + t * block.x_stride + i, 0, 2);
  }
}

template <typename V, typename Dot>
inline void add_block(const Block<Dot>& block, Index tokens) {
  Index token = 0;
  for (; token + Dot::kTokens <= tokens; token += Dot::kTokens) {
    ask_for_inputs(block, token + Dot::kTokens, tokens);
    add_tokens<V, Dot, Dot::kTokens>(block, token);
  }
  add_rest<V, Dot, Dot::kTokens - 1>(block, token, tokens - token);
}

/// Lines that each step of a tile asks for so that all tiles together ask for a whole block of as many steps.
/// None for a single tile, which reads the panel once from its first byte to its last: the CPU's own
/// prefetching does that better (docs/performance.md).
template <typename V, typename Dot>
inline Index lines_ahead(Index tokens) {
  if (tokens <= Dot::kTokens) return 0;
  constexpr Index kLines = kPanel * Dot::kStep * Index{sizeof(typename Dot::W)} / kLine;
  const Index passes = kPanel / V::kTileVectors / V::kWidth;
  const Index tiles = (tokens + Dot::kTokens - 1) / Dot::kTokens * passes;
  return tiles > 2 * kLines ? 0 : (kLines + tiles - 1) / tiles;
}

/// What the epilogue makes of one token's sums.
template <typename V>
inline void finish_row(const PanelTask& task, Index token, const float* sums) {
  const auto biased = [&](Index i, Index count) {
    const typename V::F sum = V::load(sums + i);
    return task.bias == nullptr ? sum : V::add(sum, read<V>(task.bias + i, count));
  };
  for_each_vector<V>(0, task.columns, [&](Index i, Index count) {
    if (task.halves) {
      const typename V::F y = silu_times<V>(biased(i, V::kWidth), biased(kPanel / 2 + i, V::kWidth));
      if (task.y_bf16) {
        write<V>(static_cast<BF16*>(task.y) + token * task.stride + i, y, count);
      } else {
        write<V>(static_cast<float*>(task.y) + token * task.stride + i, y, count);
      }
      return;
    }
    typename V::F y = biased(i, count);
    if (task.residual != nullptr) y = V::add(read<V>(task.residual + token * task.stride + i, count), y);
    write<V>(static_cast<float*>(task.y) + token * task.stride + i, y, count);
  });
}

/// Widens `count` elements, a multiple of 64.
template <typename V, typename W>
inline void widen_block(const W* from, float* to, Index count) {
  for (Index i = 0; i < count; i += V::kWidth) V::store(to + i, V::load(from + i));
}

/// Adds all inputs to the sums of a block of tokens. BlockDot is Dot, or takes weights that were widened.
template <typename V, typename Dot, typename BlockDot>
inline void add_inputs(const PanelTask& task, Index token, Index tokens, float (*sums)[kPanel]) {
  constexpr bool kWidens = sizeof(typename BlockDot::W) != sizeof(typename Dot::W);
  const auto* x = static_cast<const typename Dot::X*>(task.x) + token * task.in;
  const auto* w = static_cast<const typename Dot::W*>(task.panel);
  const Index ahead = lines_ahead<V, Dot>(tokens);
  for (Index begin = 0; begin < task.in; begin += task.block_inputs) {
    const Index left = task.in - begin;
    const Index inputs = left < task.block_inputs ? left : task.block_inputs;
    if constexpr (kWidens) {
      if (tokens >= kWidenFrom) {
        alignas(64) float wide[kMaxBlockInputs * kPanel];
        widen_block<V>(w + begin * kPanel, wide, inputs * kPanel);
        add_block<V, BlockDot>({x + begin, task.in, wide, inputs, begin == 0, 0, sums}, tokens);
        continue;
      }
    }
    add_block<V, Dot>({x + begin, task.in, w + begin * kPanel, inputs, begin == 0, ahead, sums}, tokens);
  }
}

template <typename V, typename Dot, typename BlockDot = Dot>
void panel(const PanelTask& task) {
  alignas(64) float sums[kMaxBlockTokens][kPanel];
  for (Index token = 0; token < task.tokens; token += task.block_tokens) {
    const Index left = task.tokens - token;
    const Index tokens = left < task.block_tokens ? left : task.block_tokens;
    add_inputs<V, Dot, BlockDot>(task, token, tokens, sums);
    for (Index t = 0; t < tokens; ++t) finish_row<V>(task, token + t, sums[t]);
  }
}

}  // namespace
}  // namespace caravan::cpu
