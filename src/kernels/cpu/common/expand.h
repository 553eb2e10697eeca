// A quantised weight's values expanded to those of ordinary panels of fp32 or fp16: scale * (value - zero),
// or scale * u - minimum, in fp32, rounded once. For any vector type V. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/chunk.h"

namespace caravan::cpu {
namespace {

/// The same for what a chunk begins with: as many bytes as its values do not ask for, which would be missed
/// where they come to lie.
inline void ask_for_meaning(const QuantizedPanel& weight, const char* chunk) {
  for (Index line = 0; line < weight.values; line += 64) ask_to_expand(chunk + line);
}

/// The 64 values of one input of a panel, as vectors.
template <typename V>
using StepValues = typename V::F[kPanel / V::kWidth];

/// What a weight's values are shifted by before or after they are scaled.
enum class WeightShift : unsigned char { kNone, kZeros, kMinimums };

/// Expands `inputs` inputs of a group.
template <typename V, typename T, int kBits, WeightShift kShift>
inline void expand_inputs(const GroupMeaning<V>& meaning, const char* from, T* to, Index inputs) {
  constexpr Index kBytes = kPanel * kBits / 8;
  for (Index input = 0; input < inputs; ++input, from += kBytes, to += kPanel) {
    ask_to_expand(from);
    StepValues<V> values;
    if constexpr (kBits == 8) {
      for (Index v = 0; v < kPanel / V::kWidth; ++v) values[v] = V::load_byte(from + v * V::kWidth);
    } else {
      V::load_nibbles(from, values);
    }
    for (Index v = 0; v < kPanel / V::kWidth; ++v) {
      if constexpr (kShift == WeightShift::kZeros) values[v] = V::sub(values[v], meaning.zeros[v]);
      if constexpr (kShift == WeightShift::kMinimums) {
        if constexpr (kBits == 4) values[v] = V::add(values[v], V::set(8.0F));
        V::store(to + v * V::kWidth, V::fma(values[v], meaning.scales[v], meaning.offsets[v]));
      } else {
        V::store(to + v * V::kWidth, V::mul(values[v], meaning.scales[v]));
      }
    }
  }
}

/// Inputs `begin` to `end` - 1 of a panel to `to` [inputs, 64].
template <typename V, typename T, int kBits, WeightShift kShift>
inline void expand_as(const QuantizedTask& task, Index begin, Index end, T* to) {
  const QuantizedPanel& weight = task.weight;
  while (begin < end) {
    const Index left = weight.group - begin % weight.group;
    const Index inputs = end - begin < left ? end - begin : left;
    const Index offset = begin % weight.chunk_inputs;
    const char* chunk =
        static_cast<const char*>(task.panel.panel) + begin / weight.chunk_inputs * weight.chunk_bytes;
    if (offset == 0) ask_for_meaning(weight, chunk);
    expand_inputs<V, T, kBits, kShift>(meaning_of_group<V>(weight, chunk, offset),
                                       chunk + weight.values + offset * kPanel * kBits / 8, to, inputs);
    to += inputs * kPanel;
    begin += inputs;
  }
}

template <typename V, typename T, int kBits>
inline void expand_of_bits(const QuantizedTask& task, Index begin, Index end, T* to) {
  if (task.weight.has_minimums) return expand_as<V, T, kBits, WeightShift::kMinimums>(task, begin, end, to);
  if (task.weight.has_zeros) return expand_as<V, T, kBits, WeightShift::kZeros>(task, begin, end, to);
  return expand_as<V, T, kBits, WeightShift::kNone>(task, begin, end, to);
}

template <typename V, typename T>
inline void expand(const QuantizedTask& task, Index begin, Index end, T* to) {
  if (task.weight.bits == 8) return expand_of_bits<V, T, 8>(task, begin, end, to);
  return expand_of_bits<V, T, 4>(task, begin, end, to);
}

/// The whole panel.
template <typename V, typename T>
void expand_panel(const QuantizedTask& task, void* to) {
  expand<V, T>(task, 0, task.panel.in, static_cast<T*>(to));
}

}  // namespace
}  // namespace caravan::cpu
