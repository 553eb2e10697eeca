// The rows of an attention call by vectors, and how a single row's sums are added up: one product after the
// other, as the matrix products of many rows do.
//
// Thread safety: value types.
#pragma once

#include "kernels/cpu/common/attention_softmax.h"

namespace caravan::cpu {
namespace {

/// The weights of a row by slot.
struct PlainWeights {
  const float* of;  ///< [64]
};

/// The sums of values of kVectors vectors of a row.
template <typename V, int kVectors>
struct PlainValueSums {
  typename V::F lines[kVectors];

  PlainValueSums(const float* sums, float factor) {
    for (int v = 0; v < kVectors; ++v) lines[v] = V::mul(V::load(sums + v * V::kWidth), V::set(factor));
  }
  /// Adds slot `j`, of which value(v) is vector v.
  template <typename Value>
  void add(const PlainWeights& weights, Index j, const Value& value) {
    const typename V::F weight = V::set(weights.of[j]);
    for (int v = 0; v < kVectors; ++v) lines[v] = V::fma(weight, value(v), lines[v]);
  }
  void end_slots() {}
};

/// Arithmetic that is as always while one of these lives.
struct PlainArithmetic {};

/// The rows of a call while it runs over a chunk: queries, sums of values, softmax.
template <typename Vector>
struct RowStates {
  using V = Vector;
  static constexpr int kRows = AttentionRows::kMaxRows;
  alignas(64) float q[kRows * kMaxHeadDim];     ///< [rows, q_width], times the scale, then zeros
  alignas(64) float sums[kRows * kMaxHeadDim];  ///< [rows, width]
  RowTotals<V> totals[kRows];
  Index q_width;  ///< head_dim up to a multiple of 64: whole pieces of keys of any dtype
  Index width;    ///< padded(head_dim)

  // What attention_single_rows.h asks for.
  /// Rows that are scored together, so that one's transposition hides the latency of another's
  /// multiply-adds, as far as their keys and the next leave room in the L1 cache.
  template <typename T>
  static constexpr int kHeadsAtATime = sizeof(T) <= 2 || V::kWidth == kScaledGroup ? 2 : 1;
  template <int kVectors>
  using ValueSums = PlainValueSums<V, kVectors>;
  using Arithmetic = PlainArithmetic;
  static constexpr int kMostValueVectors = 8;
  /// Slots that are added to sums of values at a time, at least.
  static constexpr Index kLeastSlots = 16;
  static PlainWeights weights_of(const float* weights, Slots /*slots*/) { return {weights}; }
};

}  // namespace
}  // namespace caravan::cpu
