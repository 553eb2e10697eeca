// A quantised weight's values as bf16, which holds each of them exactly: what their groups' scales multiply
// comes afterwards. For any vector type V and a Narrow, which stores. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/expand.h"

namespace caravan::cpu {
namespace {

/// Inputs that stand side by side in a panel of bf16.
constexpr Index kPairInputs = 2;

/// Numbers that are stored at a time.
constexpr Index kNumbers = 32;
template <typename V>
using Numbers = typename V::F[kNumbers / V::kWidth];

/// Stores by V's own rounding.
template <typename V>
struct PlainNarrow {
  static void store(BF16* to, const Numbers<V>& values) {
    for (Index i = 0; i < kNumbers / V::kWidth; ++i) V::store(to + i * V::kWidth, values[i]);
  }
};

/// Inputs `begin` (even, counted from the chunk's first) to `begin` + `inputs` - 1 of a chunk to `to` [pairs,
/// 64, 2], up to whole pairs.
template <typename V, typename Narrow>
inline void expand_numbers(const QuantizedPanel& weight, const char* chunk, Index begin, Index inputs,
                           BF16* to) {
  constexpr Index kValues = kPairInputs * kPanel;
  const Index bytes = kValues * weight.bits / 8;
  const char* from = chunk + weight.values + begin / kPairInputs * bytes;
  const Index pairs = (inputs + 1) / kPairInputs;
  if (begin == 0) ask_for_meaning(weight, chunk);
  if (weight.bits == 4) {
    for (Index pair = 0; pair < pairs; ++pair, from += bytes, to += kValues) {
      ask_to_expand(from);
      V::nibbles_to_bf16(from, to);
    }
    return;
  }
  for (Index pair = 0; pair < pairs; ++pair, from += bytes, to += kValues) {
    ask_to_expand(from);
    ask_to_expand(from + kLine);
    for (Index i = 0; i < kValues; i += kNumbers) {
      Numbers<V> values;
      for (Index v = 0; v < kNumbers / V::kWidth; ++v) values[v] = V::load_byte(from + i + v * V::kWidth);
      Narrow::store(to + i, values);
    }
  }
}

}  // namespace
}  // namespace caravan::cpu
