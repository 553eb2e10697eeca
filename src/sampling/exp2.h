// Powers of two of non-positive floats, the one transcendental function of this room.
//
// Only IEEE additions, multiplications and integer operations in a fixed order (the project forbids the
// contraction into fused ones), so that it has the same bits on every machine, one at a time or vectorised;
// a C library's exp has not. The relative error is at most 1.9e-7: a polynomial of degree 5 on [-1/2, 1/2],
// minimax under the constraint that 2^0 is exactly 1 (measured over 200,001 points).
// Thread safety: a pure function.
#pragma once

#include <bit>
#include <cstdint>

namespace caravan {

constexpr float kLowestExponent = -126.0F;

/// What is below the lowest exponent becomes it, minus infinity and NaN too. `Float` is a float, or several
/// as a vector of the compiler's.
template <typename Float>
Float clamped_exponent(Float x, Float lowest) {
  return x > lowest ? x : lowest;
}

/// 2^x for kLowestExponent <= x <= 0. `Bits` are unsigned numbers of 32 bits, as many as Float has floats.
template <typename Float, typename Bits>
Float exp2_in_range(Float x) {
  // Adding it rounds to the nearest integer, which is then in the low bits.
  constexpr float kRounder = 0x1.8p23F;
  const Float rounded = x + kRounder;
  const Float f = x - (rounded - kRounder);
  Float power = 0.0013264728477224708F * f + 0.009671513922512531F;
  power = power * f + 0.05550733581185341F;
  power = power * f + 0.24022242426872253F;
  power = power * f + 0.6931470036506653F;
  power = power * f + 1.0F;
  return std::bit_cast<Float>(std::bit_cast<Bits>(power) + (std::bit_cast<Bits>(rounded) << 23U));
}

/// 2^x for x <= 0; 2^-126 for what is below -126 or NaN.
inline float exp2_of(float x) { return exp2_in_range<float, uint32_t>(clamped_exponent(x, kLowestExponent)); }

}  // namespace caravan
