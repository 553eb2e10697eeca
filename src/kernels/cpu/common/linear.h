// y = x W^T on weights as they are stored, row by row, for any vector type V.
//
// Every element of y is one vector accumulator that runs over k in steps of V::kWidth, the tail filled with
// zeros, and one horizontal sum at the end. All tile sizes and blockings below keep that order, so an
// element's value does not depend on the number of tokens. Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/elements.h"
#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// Elements of k that one block of the prefill path covers: a tile of x (6 rows of 2 KB) stays in the L1
/// cache.
constexpr Index kBlockK = 512;
/// Rows of W of one block: in fp32 with kBlockK they take 128 KB of the L2 cache.
constexpr Index kBlockN = 64;
/// Up to this many tokens the weights stream past all tokens once, unblocked; beyond it blocking pays.
constexpr Index kFewTokens = 16;

/// Accumulators of kTokens x kRows elements of y, from element k_begin to k_end of their sums.
template <typename V, typename X, typename W, int kTokens, int kRows>
inline void accumulate(typename V::F (&sums)[kTokens][kRows], const X* x, Index x_stride, const W* w,
                       Index w_stride, Index count) {
  Index k = 0;
  for (; k + V::kWidth <= count; k += V::kWidth) {
    typename V::F weights[kRows];
    for (int r = 0; r < kRows; ++r) weights[r] = V::load(w + r * w_stride + k);
    for (int t = 0; t < kTokens; ++t) {
      const typename V::F input = V::load(x + t * x_stride + k);
      for (int r = 0; r < kRows; ++r) sums[t][r] = V::fma(input, weights[r], sums[t][r]);
    }
  }
  if (k == count) return;
  for (int t = 0; t < kTokens; ++t) {
    const typename V::F input = V::load_part(x + t * x_stride + k, count - k);
    for (int r = 0; r < kRows; ++r) {
      sums[t][r] = V::fma(input, V::load_part(w + r * w_stride + k, count - k), sums[t][r]);
    }
  }
}

template <typename V, int kTokens, int kRows>
inline void finish(const typename V::F (&sums)[kTokens][kRows], const LinearTask& task, Index token,
                   Index row) {
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < kRows; ++r) {
      const float bias = task.bias == nullptr ? 0.0F : task.bias[row + r];
      task.y[(token + t) * task.out + row + r] = V::sum(sums[t][r]) + bias;
    }
  }
}

/// A tile of y over all of k, straight from x and W.
template <typename V, typename X, typename W, int kTokens, int kRows>
inline void whole_tile(const LinearTask& task, Index token, Index row) {
  typename V::F sums[kTokens][kRows];
  for (auto& line : sums) {
    for (auto& sum : line) sum = V::zero();
  }
  accumulate<V, X, W, kTokens, kRows>(sums, static_cast<const X*>(task.x) + token * task.in, task.in,
                                      static_cast<const W*>(task.weight) + row * task.in, task.in, task.in);
  finish<V, kTokens, kRows>(sums, task, token, row);
}

/// All tokens against kRows rows of W, which are read from memory once.
template <typename V, typename X, typename W, int kRows>
inline void few_tokens(const LinearTask& task, Index row) {
  Index token = 0;
  for (; token + 4 <= task.tokens; token += 4) whole_tile<V, X, W, 4, kRows>(task, token, row);
  switch (task.tokens - token) {
    case 3:
      return whole_tile<V, X, W, 3, kRows>(task, token, row);
    case 2:
      return whole_tile<V, X, W, 2, kRows>(task, token, row);
    case 1:
      return whole_tile<V, X, W, 1, kRows>(task, token, row);
    default:
      return;
  }
}

/// kTokens tokens against one block of W's rows, k block by k block; the accumulators wait in memory
/// meanwhile.
template <typename V, typename X, typename W, int kTokens>
inline void block_of_tokens(const LinearTask& task, Index token, Index row, Index rows) {
  alignas(64) float x[kTokens][kBlockK];
  typename V::F sums[kBlockN / 4][kTokens][4];
  for (Index k = 0; k < task.in; k += kBlockK) {
    const Index count = task.in - k < kBlockK ? task.in - k : kBlockK;
    for (int t = 0; t < kTokens; ++t) {
      const X* from = static_cast<const X*>(task.x) + (token + t) * task.in + k;
      Index i = 0;
      for (; i + V::kWidth <= count; i += V::kWidth) V::store(x[t] + i, V::load(from + i));
      for (Index rest = i; rest < kBlockK && rest < i + V::kWidth; ++rest) x[t][rest] = 0.0F;
      if (i < count) V::store(x[t] + i, V::load_part(from + i, count - i));
    }
    for (Index group = 0; group < rows / 4; ++group) {
      typename V::F tile[kTokens][4];
      for (int t = 0; t < kTokens; ++t) {
        for (int r = 0; r < 4; ++r) tile[t][r] = k == 0 ? V::zero() : sums[group][t][r];
      }
      const W* w = static_cast<const W*>(task.weight) + (row + 4 * group) * task.in + k;
      accumulate<V, float, W, kTokens, 4>(tile, &x[0][0], kBlockK, w, task.in, count);
      for (int t = 0; t < kTokens; ++t) {
        for (int r = 0; r < 4; ++r) sums[group][t][r] = tile[t][r];
      }
    }
  }
  for (Index group = 0; group < rows / 4; ++group)
    finish<V, kTokens, 4>(sums[group], task, token, row + 4 * group);
}

template <typename V, typename X, typename W>
void linear(const LinearTask& task) {
  Index row = task.begin;
  if (task.tokens > kFewTokens) {
    while (task.end - row >= 4) {
      const Index left = (task.end - row) / 4 * 4;
      const Index rows = left < kBlockN ? left : kBlockN;
      Index token = 0;
      for (; token + V::kTileTokens <= task.tokens; token += V::kTileTokens) {
        block_of_tokens<V, X, W, V::kTileTokens>(task, token, row, rows);
      }
      for (; token < task.tokens; ++token) block_of_tokens<V, X, W, 1>(task, token, row, rows);
      row += rows;
    }
  } else if (task.tokens == 1) {
    // More rows at once keep more reads from memory under way.
    for (; row + 8 <= task.end; row += 8) whole_tile<V, X, W, 1, 8>(task, 0, row);
  }
  for (; row + 4 <= task.end; row += 4) few_tokens<V, X, W, 4>(task, row);
  for (; row < task.end; ++row) few_tokens<V, X, W, 1>(task, row);
}

}  // namespace
}  // namespace caravan::cpu
