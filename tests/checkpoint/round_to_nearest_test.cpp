// Rounding to the nearest numbers, by hand and by its bounds.
#include "checkpoint/round_to_nearest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace caravan {
namespace {

struct Rounded {
  std::vector<int8_t> values;
  std::vector<float> scales;
  std::vector<int8_t> zeros;
};

Rounded round(const std::vector<float>& rows, int64_t count, const WeightQuant& quant,
              DType scale = DType::kF32) {
  const auto in = static_cast<int64_t>(rows.size()) / count;
  const auto groups = static_cast<size_t>(count * groups_of(quant, in));
  Rounded out = {std::vector<int8_t>(rows.size()), std::vector<float>(groups), std::vector<int8_t>(groups)};
  round_to_nearest(rows.data(), count, in, quant, scale,
                   {out.values.data(), out.scales.data(), quant.zero_points ? out.zeros.data() : nullptr});
  return out;
}

TEST(RoundToNearest, GivesTheLargestMagnitudeTheEndOfTheRange) {
  const Rounded rounded = round({-127.5F, 1.0F, 2.5F, 3.5F}, 1, {});
  EXPECT_EQ(rounded.scales, (std::vector<float>{1.0F}));
  EXPECT_EQ(rounded.values, (std::vector<int8_t>{-128, 1, 2, 4}));
}

TEST(RoundToNearest, HasAScaleForEachGroup) {
  const Rounded rounded = round({7.5F, 0.0F, 75.0F, -70.0F}, 1, {4, 2, false});
  EXPECT_EQ(rounded.scales, (std::vector<float>{1.0F, 10.0F}));
  EXPECT_EQ(rounded.values, (std::vector<int8_t>{7, 0, 7, -7}));
}

TEST(RoundToNearest, UsesTheWholeRangeWithAZeroPoint) {
  const Rounded rounded = round({-1.0F, 0.0F, 14.0F, 7.0F}, 1, {4, 0, true});
  EXPECT_EQ(rounded.scales, (std::vector<float>{1.0F}));
  EXPECT_EQ(rounded.zeros, (std::vector<int8_t>{-7}));
  EXPECT_EQ(rounded.values, (std::vector<int8_t>{-8, -7, 7, 0}));
}

TEST(RoundToNearest, KeepsZerosAsZeros) {
  for (const bool zero_points : {false, true}) {
    const Rounded rounded = round({0.0F, 0.0F}, 1, {8, 0, zero_points});
    EXPECT_EQ(rounded.scales, (std::vector<float>{1.0F}));
    EXPECT_EQ(rounded.values, (std::vector<int8_t>{0, 0}));
    EXPECT_EQ(rounded.zeros, (std::vector<int8_t>{0}));
  }
}

TEST(RoundToNearest, ErrsByHalfAStepAtMost) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.3F, 1.0F);
  std::vector<float> rows(3 * 64);
  for (float& value : rows) value = normal(random);
  for (const WeightQuant& quant : {WeightQuant{8, 0, false}, WeightQuant{8, 32, true},
                                   WeightQuant{4, 16, false}, WeightQuant{4, 64, true}}) {
    for (const DType scale : {DType::kF32, DType::kF16, DType::kBF16}) {
      const Rounded rounded = round(rows, 3, quant, scale);
      const int64_t width = 64 / groups_of(quant, 64);
      for (size_t i = 0; i < rows.size(); ++i) {
        const size_t group = i / static_cast<size_t>(width);
        const float back =
            rounded.scales[group] * static_cast<float>(rounded.values[i] - rounded.zeros[group]);
        // At the ends of the range a value may lie half a step beyond, and a rounded scale moves them
        // further.
        const float beyond =
            static_cast<float>(unit_roundoff(scale)) * 2.0F * static_cast<float>(1 << quant.bits);
        EXPECT_LE(std::abs(back - rows[i]), rounded.scales[group] * (0.5001F + beyond))
            << quant.bits << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace caravan
