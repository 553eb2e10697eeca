// The fastest that a level can multiply: the innermost operation of its matmul on registers alone.
// Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/dot.h"

namespace caravan::cpu {
namespace {

/// Operations of one step of peak().
template <typename V, typename Dot>
constexpr Index peak_operations() {
  return 2 * Dot::kTokens * V::kTileVectors * V::kWidth * Dot::kStep;
}

/// `steps` times a tile's multiplications. `values` [64] is read and written, so that nothing is left out.
template <typename V, typename Dot>
void peak(Index steps, float* values) {
  typename V::F sums[Dot::kTokens][V::kTileVectors];
  // Each begins elsewhere, so that they are not one sum to the compiler.
  for (int t = 0; t < Dot::kTokens; ++t) {
    for (int v = 0; v < V::kTileVectors; ++v)
      sums[t][v] = V::set(static_cast<typename Dot::Sum>(t * V::kTileVectors + v));
  }
  typename Dot::Weights weights = Dot::load(reinterpret_cast<const typename Dot::W*>(values));
  const typename Dot::Inputs inputs = Dot::spread(reinterpret_cast<const typename Dot::X*>(values));
  constexpr bool kIntegers = sizeof(typename Dot::W) == 1;
  for (Index step = 0; step < steps; ++step) {
    if constexpr (kIntegers) {
      // Others each time: the compiler would compute products that never change once, before the loop.
      weights = Dot::load(reinterpret_cast<const typename Dot::W*>(values) + step % kPanel);
    }
    for (auto& line : sums) {
      for (auto& sum : line) sum = Dot::add(sum, weights, inputs);
    }
  }
  typename V::F total = V::zero();
  for (const auto& line : sums) {
    for (const auto& sum : line) total = V::add(total, sum);
  }
  V::store(reinterpret_cast<typename Dot::Sum*>(values), total);
}

}  // namespace
}  // namespace caravan::cpu
