// A quantised weight's values expanded to those of ordinary panels: scale * (value - zero) in fp32, rounded
// once. For any vector type V and a Narrow, which rounds and stores.
//
// Values are taken 32 at a time, which is what 16 bytes of 4 bits hold. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/chunk.h"

namespace caravan::cpu {
namespace {

/// Values that are expanded at a time.
constexpr Index kValues = 32;

/// Inputs that stand side by side in a panel of T: panel_step() of tensor/panels.h.
template <typename T>
constexpr Index kStepOf = 1;
template <>
constexpr Index kStepOf<BF16> = 2;

/// kValues values as vectors of V.
template <typename V>
using Values = typename V::F[kValues / V::kWidth];

/// Stores by V's own rounding.
template <typename V>
struct PlainNarrow {
  template <typename T>
  static void store(T* to, const Values<V>& values) {
    for (Index i = 0; i < kValues / V::kWidth; ++i) V::store(to + i * V::kWidth, values[i]);
  }
};

/// The scales and zero points of one step of a panel of T, in the order of its values.
template <typename V, typename T>
struct StepMeaning {
  static constexpr Index kVectors = kPanel * kStepOf<T> / V::kWidth;
  typename V::F scales[kVectors];
  typename V::F zeros[kVectors];  ///< not set where the weight has none
};

/// Vector `column` of kPanel outputs' numbers to where the step's values want it.
template <typename V, typename T>
inline void place(typename V::F numbers, Index column, typename V::F* to) {
  if constexpr (kStepOf<T> == 1) {
    to[column] = numbers;
  } else {
    V::twice(numbers, to[2 * column], to[2 * column + 1]);
  }
}

template <typename V, typename T, bool kZeros>
inline void load_meaning(const QuantizedPanel& weight, const char* chunk, StepMeaning<V, T>& meaning) {
  for (Index v = 0; v < kPanel / V::kWidth; ++v) {
    place<V, T>(load_scales<V>(weight, chunk, v * V::kWidth), v, meaning.scales);
    if constexpr (kZeros) place<V, T>(V::load_byte(chunk + weight.zeros + v * V::kWidth), v, meaning.zeros);
  }
}

/// Bytes that are asked of memory ahead of those that are expanded: the CPU's own prefetching begins anew in
/// each page, and expanding takes too many instructions for the CPU to look far ahead.
constexpr Index kExpandAhead = 4096;

/// Expands `steps` steps of a chunk.
template <typename V, typename Narrow, typename T, int kBits, bool kZeros>
inline void expand_steps(const StepMeaning<V, T>& meaning, const char* from, T* to, Index steps) {
  constexpr Index kEach = kValues / V::kWidth;
  constexpr Index kBytes = kPanel * kStepOf<T> * kBits / 8;
  for (Index step = 0; step < steps; ++step) {
    for (Index line = 0; line < kBytes; line += 64) __builtin_prefetch(from + kExpandAhead + line, 0, 2);
    for (Index v = 0; v < StepMeaning<V, T>::kVectors;
         v += kEach, from += kValues * kBits / 8, to += kValues) {
      Values<V> values;
      if constexpr (kBits == 8) {
        for (Index i = 0; i < kEach; ++i) values[i] = V::load_byte(from + i * V::kWidth);
      } else {
        V::load_halves(from, values);
      }
      for (Index i = 0; i < kEach; ++i) {
        if constexpr (kZeros) values[i] = V::sub(values[i], meaning.zeros[v + i]);
        values[i] = V::mul(values[i], meaning.scales[v + i]);
      }
      Narrow::store(to, values);
    }
  }
}

/// Inputs `begin` to `end` - 1 of a panel, both at whole steps or at its end, to `to` [steps, 64, step].
template <typename V, typename Narrow, typename T, int kBits, bool kZeros>
inline void expand_as(const QuantizedTask& task, Index begin, Index end, T* to) {
  const QuantizedPanel& weight = task.weight;
  while (begin < end) {
    const Index group = begin / weight.group;
    const Index offset = begin - group * weight.group;
    const Index left = weight.group - offset;
    const Index inputs = end - begin < left ? end - begin : left;
    const Index steps = (inputs + kStepOf<T> - 1) / kStepOf<T>;
    const char* chunk = static_cast<const char*>(task.panel.panel) + group * weight.chunk_bytes;
    StepMeaning<V, T> meaning;
    load_meaning<V, T, kZeros>(weight, chunk, meaning);
    expand_steps<V, Narrow, T, kBits, kZeros>(meaning, chunk + weight.values + offset * kPanel * kBits / 8,
                                              to, steps);
    to += steps * kPanel * kStepOf<T>;
    begin += inputs;
  }
}

template <typename V, typename Narrow, typename T>
inline void expand(const QuantizedTask& task, Index begin, Index end, T* to) {
  if (task.weight.bits == 8) {
    if (task.weight.has_zeros) return expand_as<V, Narrow, T, 8, true>(task, begin, end, to);
    return expand_as<V, Narrow, T, 8, false>(task, begin, end, to);
  }
  if (task.weight.has_zeros) return expand_as<V, Narrow, T, 4, true>(task, begin, end, to);
  return expand_as<V, Narrow, T, 4, false>(task, begin, end, to);
}

/// The whole panel.
template <typename V, typename Narrow, typename T>
void expand_panel(const QuantizedTask& task, void* to) {
  expand<V, Narrow, T>(task, 0, task.panel.in, static_cast<T*>(to));
}

}  // namespace
}  // namespace caravan::cpu
