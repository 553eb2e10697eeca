// Online softmax (Milakov & Gimelshein, 2018, arXiv:1805.02867), for a few rows of scores at a time.
//
// A row's arithmetic looks at its own range of keys only. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/attention_product.h"
#include "kernels/cpu/common/attention_tiles.h"

namespace caravan::cpu {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

/// The slots of a tile that a row attends to: low .. high, none where low > high.
struct Slots {
  Index low = 0;
  Index high = -1;
};

inline Slots slots_of(const AttentionRows& task, int row, Index start) {
  return {.low = task.first[row] > start ? task.first[row] - start : 0,
          .high = task.last[row] < start + kTileKeys ? task.last[row] - start : kTileKeys - 1};
}

/// What min() with leaves the scores of some slots and makes the others minus infinity: from `low` on at
/// values[64 - low], up to `high` at values[127 - high].
struct Limits {
  float values[3 * kTileKeys];
};
constexpr Limits make_limits() {
  Limits limits = {};
  for (Index i = 0; i < 3 * kTileKeys; ++i)
    limits.values[i] = i / kTileKeys == 1 ? __builtin_inff() : kMinusInfinity;
  return limits;
}
constexpr Limits kLimits = make_limits();

/// The softmax of a row while it runs.
template <typename V>
struct RowTotals {
  alignas(64) float lanes[V::kWidth];  ///< sums of weights; their sum is the total
  float largest;                       ///< score so far
};

/// The scores of up to kRows rows against one tile, which become weights.
template <int kRows>
struct ScoresOf {
  alignas(64) float values[kRows][kTileKeys];
  alignas(64) float factors[16] = {};  ///< what each row's earlier sums shrink by
};
using Scores = ScoresOf<kProductRows>;

/// Takes what a row does not attend to out of its scores; returns the largest of them and of `largest`.
template <typename V>
inline float mask_and_find_largest(float* scores, Slots slots, float largest) {
  // In this order, because x86's min and max return their second operand where either is NaN: a score that
  // is not a number is masked like any other, and never the largest.
  typename V::F most = V::set(largest);
  const bool edge = slots.low > 0 || slots.high < kTileKeys - 1;
  for (Index j = slots.low / V::kWidth * V::kWidth; j <= slots.high; j += V::kWidth) {
    typename V::F score = V::load(scores + j);
    if (edge) {
      const typename V::F from_low = V::load(kLimits.values + kTileKeys - slots.low + j);
      const typename V::F to_high = V::load(kLimits.values + 2 * kTileKeys - 1 - slots.high + j);
      score = V::min(V::min(score, from_low), to_high);
      V::store(scores + j, score);
    }
    most = V::max(score, most);
  }
  return V::largest(most);
}

/// Turns the scores of `count` rows into weights, and shrinks their totals where a larger score came.
template <typename V, int kRows>
inline void weigh(ScoresOf<kRows>& scores, const Slots* slots, Index count, RowTotals<V>* totals) {
  float bases[kRows];
  for (Index r = 0; r < count; ++r) {
    const float largest = mask_and_find_largest<V>(scores.values[r], slots[r], totals[r].largest);
    // Scores that are minus infinity throughout must not subtract infinities.
    bases[r] = largest == kMinusInfinity ? 0.0F : largest;
    scores.factors[r] = totals[r].largest - bases[r];
    totals[r].largest = largest;
  }
  for (Index r = 0; r < kRows; r += V::kWidth)
    V::store(scores.factors + r, exp_of<V>(V::load(scores.factors + r)));
  for (Index r = 0; r < count; ++r) {
    const typename V::F base = V::set(bases[r]);
    typename V::F added = V::zero();
    for (Index j = slots[r].low / V::kWidth * V::kWidth; j <= slots[r].high; j += V::kWidth) {
      const typename V::F weight = exp_of<V>(V::sub(V::load(scores.values[r] + j), base));
      V::store(scores.values[r] + j, weight);
      added = V::add(added, weight);
    }
    V::store(totals[r].lanes, V::fma(V::load(totals[r].lanes), V::set(scores.factors[r]), added));
  }
}

}  // namespace
}  // namespace caravan::cpu
