#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tensor/buffer.h"

namespace caravan {
namespace {

/// What the 16 bits mean by IEEE 754's definition of binary16, worked out in double.
double meaning_of_half(uint32_t bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>((bits >> 10U) & 31U);
  const auto fraction = static_cast<double>(bits & 0x3FFU);
  if (exponent == 31) return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024.0 + fraction, exponent - 25);
}

TEST(Half, MeansWhatIeee754SaysForAllPatterns) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const double expected = meaning_of_half(bits);
    const float found = to_float(Half{static_cast<uint16_t>(bits)});
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(found)) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(found), expected) << bits;
      ASSERT_EQ(std::signbit(found), std::signbit(expected)) << bits;
    }
  }
}

TEST(Half, RoundTripsAllPatternsThatAreNotNan) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    if (std::isnan(to_float(half))) {
      ASSERT_TRUE(std::isnan(to_float(to_half(to_float(half))))) << bits;
    } else {
      ASSERT_EQ(to_half(to_float(half)).bits, bits);
    }
  }
}

/// Checks that `round` takes the points just below, at and just above the middle of every two neighbours to
/// the right one of them: the even one at the middle. `value(i)` is the i-th number from 0 up.
template <typename Value, typename Round>
void expect_nearest_even(uint32_t largest, const Value& value, const Round& round) {
  for (uint32_t bits = 0; bits < largest; ++bits) {
    // Exact: a float holds one bit more than either format.
    const auto middle = static_cast<float>((value(bits) + value(bits + 1)) / 2.0);
    for (const float sign : {1.0F, -1.0F}) {
      const uint32_t sign_bit = sign < 0 ? 0x8000U : 0U;
      ASSERT_EQ(round(sign * std::nextafterf(middle, 0.0F)), sign_bit | bits) << bits;
      ASSERT_EQ(round(sign * middle), sign_bit | (bits + (bits & 1U))) << bits;
      ASSERT_EQ(round(sign * std::nextafterf(middle, INFINITY)), sign_bit | (bits + 1)) << bits;
    }
  }
}

TEST(Half, RoundsToNearestAndTiesToEvenBetweenAllNeighbours) {
  expect_nearest_even(
      0x7BFF, [](uint32_t bits) { return meaning_of_half(bits); }, [](float x) { return to_half(x).bits; });
}

TEST(Half, BecomesInfiniteFromTheMiddleAboveItsLargest) {
  EXPECT_EQ(to_half(std::nextafterf(65520.0F, 0.0F)).bits, 0x7BFF);
  EXPECT_EQ(to_half(65520.0F).bits, 0x7C00);
  EXPECT_EQ(to_half(-65520.0F).bits, 0xFC00);
  EXPECT_EQ(to_half(std::numeric_limits<float>::max()).bits, 0x7C00);
  EXPECT_EQ(to_half(INFINITY).bits, 0x7C00);
  EXPECT_EQ(to_half(1e-30F).bits, 0);
  EXPECT_EQ(to_half(-1e-30F).bits, 0x8000);
}

TEST(BFloat16, IsTheUpperHalfOfAFloatForAllPatterns) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = to_float(BFloat16{static_cast<uint16_t>(bits)});
    ASSERT_EQ(std::bit_cast<uint32_t>(value), bits << 16U);
    if (!std::isnan(value)) {
      ASSERT_EQ(to_bfloat16(value).bits, bits);
    } else {
      ASSERT_TRUE(std::isnan(to_float(to_bfloat16(value)))) << bits;
    }
  }
}

TEST(BFloat16, RoundsToNearestAndTiesToEvenBetweenAllNeighbours) {
  expect_nearest_even(
      0x7F7F, [](uint32_t bits) { return static_cast<double>(std::bit_cast<float>(bits << 16U)); },
      [](float x) { return to_bfloat16(x).bits; });
}

TEST(BFloat16, BecomesInfiniteAboveItsLargestAndKeepsNan) {
  EXPECT_EQ(to_bfloat16(std::numeric_limits<float>::max()).bits, 0x7F80);
  EXPECT_EQ(to_bfloat16(-INFINITY).bits, 0xFF80);
  // A NaN whose payload is only in the lower half must not become infinity.
  EXPECT_TRUE(std::isnan(to_float(to_bfloat16(std::bit_cast<float>(0x7F800001U)))));
}

TEST(DTypeNames, ReadWhatTheyWriteAndPyTorchsNames) {
  for (size_t i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
  }
  EXPECT_EQ(dtype_from_name("float16"), DType::kF16);
  EXPECT_EQ(dtype_from_name("half"), DType::kF16);
  EXPECT_EQ(dtype_from_name("bfloat16"), DType::kBF16);
  EXPECT_EQ(dtype_from_name("float"), DType::kF32);
  EXPECT_EQ(dtype_from_name("double"), std::nullopt);
  EXPECT_EQ(dtype_from_name(""), std::nullopt);
}

TEST(UnitRoundoff, IsHalfTheGapAboveOne) {
  const double half_gap_f16 = (meaning_of_half(0x3C01) - 1.0) / 2.0;
  const double half_gap_bf16 = (static_cast<double>(to_float(BFloat16{0x3F81})) - 1.0) / 2.0;
  EXPECT_EQ(unit_roundoff(DType::kF16), half_gap_f16);
  EXPECT_EQ(unit_roundoff(DType::kBF16), half_gap_bf16);
  EXPECT_EQ(unit_roundoff(DType::kF32), static_cast<double>(std::numeric_limits<float>::epsilon()) / 2.0);
}

/// `values` stored in `dtype`.
Tensor stored(const std::vector<float>& values, DType dtype) {
  Tensor tensor(dtype, {static_cast<int64_t>(values.size())});
  convert_elements(values.data(), DType::kF32, tensor.view().data, dtype, values.size());
  return tensor;
}

TEST(ConvertElements, GoesBetweenAllFloatingDtypes) {
  // Exact in all three.
  const std::vector<float> values = {0.0F, -1.0F, 0.5F, 96.0F, -0.09375F};
  for (const DType from : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const DType to : {DType::kF32, DType::kF16, DType::kBF16}) {
      const Tensor source = stored(values, from);
      const Tensor target(to, source.shape());
      convert_elements(source.view().data, from, target.view().data, to, values.size());
      std::vector<float> back(values.size());
      convert_elements(target.view().data, to, back.data(), DType::kF32, values.size());
      EXPECT_EQ(back, values) << name_of(from) << " to " << name_of(to);
    }
  }
}

}  // namespace
}  // namespace caravan
