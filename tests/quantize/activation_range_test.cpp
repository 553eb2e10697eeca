#include "quantize/activation_range.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace caravan {
namespace {

/// Normal numbers, and one outlier on each side.
std::vector<float> with_outliers(float low = -100.0F, float high = 50.0F) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values = {low, high};
  for (int i = 0; i < 100'000; ++i) values.push_back(normal(random));
  return values;
}

float low_of(const RowQuant& rows) { return -rows.scale * static_cast<float>(rows.zero); }
float high_of(const RowQuant& rows) { return rows.scale * static_cast<float>(255 - rows.zero); }

TEST(StaticRows, CoversAllByMinimumAndMaximum) {
  const std::vector<float> values = {-1.0F, 0.5F, 4.1F};
  const RowQuant rows = static_rows(values, RangeMethod::kMinMax);
  EXPECT_EQ(rows.mode, ActivationQuant::kStatic);
  EXPECT_FLOAT_EQ(rows.scale, 5.1F / 255.0F);
  EXPECT_EQ(rows.zero, 50);
}

TEST(StaticRows, AlwaysHasZeroWithin) {
  const std::vector<float> above = {2.0F, 3.0F};
  EXPECT_EQ(static_rows(above, RangeMethod::kMinMax).zero, 0);
  EXPECT_FLOAT_EQ(static_rows(above, RangeMethod::kMinMax).scale, 3.0F / 255.0F);
  const std::vector<float> below = {-2.0F, -3.0F};
  EXPECT_EQ(static_rows(below, RangeMethod::kMinMax).zero, 255);
  for (const RangeMethod method : {RangeMethod::kMinMax, RangeMethod::kHistogram, RangeMethod::kPercentile,
                                   RangeMethod::kLeastSquares}) {
    const std::vector<float> zeros(10, 0.0F);
    EXPECT_EQ(static_rows(zeros, method).scale, 1.0F);
    EXPECT_EQ(static_rows(zeros, method).zero, 0);
  }
}

TEST(StaticRows, CutsOutliersOffByPercentiles) {
  const RowQuant rows = static_rows(with_outliers(), RangeMethod::kPercentile);
  // 0.005 % of a normal distribution lie beyond 3.89.
  EXPECT_NEAR(low_of(rows), -3.89, 0.3);
  EXPECT_NEAR(high_of(rows), 3.89, 0.3);
}

TEST(StaticRows, CutsOutliersOffByTheInformationThatIsLost) {
  const RowQuant rows = static_rows(with_outliers(-14.0F, 12.0F), RangeMethod::kHistogram);
  EXPECT_GT(low_of(rows), -12.0F);
  EXPECT_LT(low_of(rows), -2.5F);
  EXPECT_LT(high_of(rows), 11.0F);
}

/// As a LLaMA's: a few in 100,000 hold more of the squares than all others.
TEST(StaticRows, KeepsOutliersThatHoldMostOfTheSquaresWhateverTheirShare) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values = {-800.0F, -790.0F, 500.0F};
  for (int i = 0; i < 300'000; ++i) values.push_back(normal(random));
  for (const RangeMethod method : {RangeMethod::kHistogram, RangeMethod::kLeastSquares}) {
    EXPECT_LT(low_of(static_rows(values, method)), -700.0F);
    EXPECT_GT(high_of(static_rows(values, method)), 450.0F);
  }
}

TEST(StaticRows, ShrinksARangeWhoseEndsAreHardlyUsed) {
  const RowQuant rows = static_rows(with_outliers(), RangeMethod::kLeastSquares);
  EXPECT_GT(low_of(rows), -95.0F);
  EXPECT_LT(low_of(rows), -40.0F);
}

TEST(BinsToKeep, KeepsAllOfAFlatDistribution) {
  const std::vector<int64_t> flat(static_cast<size_t>(kRangeBins), 100);
  EXPECT_EQ(bins_to_keep(flat), static_cast<size_t>(kRangeBins));
}

TEST(BinsToKeep, EndsWhereADistributionEnds) {
  // Falls to 0 at bin 512, and a single value at the end: with 2048 bins kept, four times as many would share
  // a number.
  std::vector<int64_t> counts(static_cast<size_t>(kRangeBins), 0);
  for (size_t i = 0; i < 512; ++i) counts[i] = static_cast<int64_t>(1000 * (512 - i) / 512);
  counts.back() = 1;
  EXPECT_NEAR(static_cast<double>(bins_to_keep(counts)), 512.0, 8.0);
}

}  // namespace
}  // namespace caravan
