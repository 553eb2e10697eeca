#include "base/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace caravan {
namespace {

/// 1 to `count`, from the last to the first.
std::vector<double> falling(int count) {
  std::vector<double> values(static_cast<size_t>(count));
  std::iota(values.rbegin(), values.rend(), 1.0);
  return values;
}

TEST(Mean, IsTheSumOverTheCount) {
  EXPECT_DOUBLE_EQ(mean_of(std::vector<double>{3.0}), 3.0);
  EXPECT_DOUBLE_EQ(mean_of(std::vector<double>{1.0, 2.0, 6.0}), 3.0);
}

TEST(SampleDeviation, DividesByOneLessThanTheCount) {
  // Squares of 5 in all around the mean 2.5, over 3.
  EXPECT_DOUBLE_EQ(sample_deviation(std::vector<double>{1.0, 2.0, 3.0, 4.0}), std::sqrt(5.0 / 3.0));
}

TEST(SampleDeviation, IsZeroWhereNothingVaries) {
  EXPECT_EQ(sample_deviation(std::vector<double>{7.0}), 0.0);
  EXPECT_EQ(sample_deviation(std::vector<double>{7.0, 7.0, 7.0}), 0.0);
}

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoMiddleOnesInAnyOrder) {
  EXPECT_DOUBLE_EQ(median({5.0}), 5.0);
  EXPECT_DOUBLE_EQ(median({9.0, 1.0, 2.0}), 2.0);
  EXPECT_DOUBLE_EQ(median({9.0, 1.0, 4.0, 2.0}), 3.0);
}

TEST(Quantile, InterpolatesBetweenTheTwoNearest) {
  // Type 7 puts the share f at place f * (n - 1): of 1 to 10, 0.9 at 8.1 places after the first.
  EXPECT_DOUBLE_EQ(quantile(falling(10), 0.90), 9.1);
  EXPECT_DOUBLE_EQ(quantile(falling(10), 0.99), 9.91);
  EXPECT_DOUBLE_EQ(quantile(falling(101), 0.90), 91.0);
  EXPECT_DOUBLE_EQ(quantile(falling(101), 0.99), 100.0);
}

TEST(Quantile, ReachesBothEnds) {
  EXPECT_DOUBLE_EQ(quantile(falling(10), 0.0), 1.0);
  EXPECT_DOUBLE_EQ(quantile(falling(10), 1.0), 10.0);
  EXPECT_DOUBLE_EQ(quantile({4.0}, 0.99), 4.0);
}

}  // namespace
}  // namespace caravan
