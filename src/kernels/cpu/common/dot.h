// How a level multiplies a step of packed weights, by dtype: the innermost operation of every matmul.
//
// A Dot has the element types X of the input, W of the weight and Sum of what is added up; kStep, how many
// inputs a step has; kTokens, how many tokens a tile has so that its sums, one step's weights and one token's
// inputs fill the registers; and load (one vector of outputs of one step), spread (the inputs of one step to
// every lane) and add (sum += weights . inputs, input by input). Thread safety: pure functions.
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
  using Sum = float;
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
  using Sum = float;
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

/// uint8 against int8 without an instruction for it: both widened to 16 bits, because the one that multiplies
/// bytes (vpmaddubsw) saturates its sums. Exact.
template <typename V>
struct WidenedByteDot {
  using I = typename V::Ints;
  using X = unsigned char;
  using W = signed char;
  using Sum = int;
  /// Of inputs 0 and 2, and of inputs 1 and 3, of each lane.
  struct Halves {
    typename I::F even;
    typename I::F odd;
  };
  using Weights = Halves;
  using Inputs = Halves;
  static constexpr Index kStep = 4;
  static constexpr int kTokens = 4;
  static Weights load(const W* from) {
    const typename I::F bytes = I::load_bytes(from);
    return {I::even_signed(bytes), I::odd_signed(bytes)};
  }
  static Inputs spread(const X* from) {
    const typename I::F bytes = I::spread_bytes(from);
    return {I::even_unsigned(bytes), I::odd_unsigned(bytes)};
  }
  static typename I::F add(typename I::F sum, Weights w, Inputs x) {
    return I::add(sum, I::add(I::multiply_add(w.even, x.even), I::multiply_add(w.odd, x.odd)));
  }
};

}  // namespace
}  // namespace caravan::cpu
