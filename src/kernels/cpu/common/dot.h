// How a level multiplies a step of packed weights, by dtype: the innermost operation of every matmul.
//
// A Dot has the element types X of the input and W of the weight; kStep, how many inputs a step has; kTokens,
// how many tokens a tile has so that its sums, one step's weights and one token's inputs fill the registers;
// and load (one vector of outputs of one step), spread (the inputs of one step to every lane) and add (sum +=
// weights . inputs, input by input). Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/elements.h"
#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// fp32, and fp16 widened as it is loaded, against fp32.
template <typename V, typename Weight>
struct WidenDot {
  using X = float;
  using W = Weight;
  using Weights = typename V::F;
  using Inputs = typename V::F;
  static constexpr Index kStep = 1;
  static constexpr int kTokens = 6;
  static Weights load(const W* from) { return V::load(from); }
  static Inputs spread(const X* from) { return V::set(*from); }
  static typename V::F add(typename V::F sum, Weights w, Inputs x) { return V::fma(w, x, sum); }
};

/// Two vectors: of the first and of the second input of a step.
template <typename V>
struct Pair {
  typename V::F first;
  typename V::F second;
};

/// bf16 against bf16 without an instruction for it: both widened to fp32.
template <typename V>
struct PairDot {
  using X = BF16;
  using W = BF16;
  using Weights = Pair<V>;
  using Inputs = Pair<V>;
  static constexpr Index kStep = 2;
  static constexpr int kTokens = 4;
  static Weights load(const W* from) {
    const typename V::Bits bits = V::load_bits(from);
    return {V::low_bf16(bits), V::high_bf16(bits)};
  }
  static Inputs spread(const X* from) {
    const typename V::Bits bits = V::spread_bits(from);
    return {V::low_bf16(bits), V::high_bf16(bits)};
  }
  static typename V::F add(typename V::F sum, Weights w, Inputs x) {
    return V::fma(w.second, x.second, V::fma(w.first, x.first, sum));
  }
};

}  // namespace
}  // namespace caravan::cpu
