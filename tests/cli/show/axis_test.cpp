#include "cli/show/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace caravan::cli {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

/// Whether `value` is 1, 2 or 5 times a power of ten.
bool is_round(double value) {
  const double factor = value / std::pow(10.0, std::floor(std::log10(value) + 1e-9));
  const auto is = [factor](double round) { return std::abs(factor - round) < 1e-6; };
  return is(1.0) || is(2.0) || is(5.0);
}

TEST(LinearAxis, HasFourToSevenRoundTicksFromZeroToAboveTheHighest) {
  for (double high = 0.0013; high < 1e7; high *= 1.37) {
    const Axis axis = linear_axis(high);
    ASSERT_GE(axis.ticks.size(), 4U) << high;
    ASSERT_LE(axis.ticks.size(), 7U) << high;
    EXPECT_EQ(axis.ticks.front(), 0.0);
    EXPECT_GE(axis.ticks.back(), high * (1.0 - 1e-6));
    const double step = axis.ticks[1];
    EXPECT_TRUE(is_round(step)) << step;
    for (size_t i = 1; i < axis.ticks.size(); ++i)
      EXPECT_NEAR(axis.ticks[i] - axis.ticks[i - 1], step, step * 1e-9) << high;
    EXPECT_EQ(axis.low, 0.0);
    EXPECT_EQ(axis.high, axis.ticks.back());
  }
}

TEST(LogAxis, HasRoundRisingTicksThatHoldLowAndHigh) {
  for (double low = 0.0017; low < 2000.0; low *= 2.9) {
    for (double ratio = 1.0; ratio < 1e6; ratio *= 7.3) {
      const Axis axis = log_axis(low, low * ratio);
      EXPECT_TRUE(axis.logarithmic);
      EXPECT_TRUE(std::is_sorted(axis.ticks.begin(), axis.ticks.end()));
      for (const double tick : axis.ticks) EXPECT_TRUE(is_round(tick)) << tick;
      EXPECT_LE(axis.low, low * (1.0 + 1e-6));
      EXPECT_GE(axis.high, low * ratio * (1.0 - 1e-6));
    }
  }
}

TEST(LogAxis, LeavesOutTwosAndFivesOverManyDecades) {
  EXPECT_THAT(log_axis(3.0, 30.0).ticks, ElementsAre(2.0, 5.0, 10.0, 20.0, 50.0));
  EXPECT_THAT(log_axis(1.0, 9000.0).ticks,
              ElementsAre(DoubleEq(1), DoubleEq(10), DoubleEq(100), DoubleEq(1000), DoubleEq(10000)));
}

TEST(ValueAxis, IsLogarithmicWhereSmallValuesWouldVanish) {
  EXPECT_FALSE(value_axis(10.0, 100.0).logarithmic);
  EXPECT_TRUE(value_axis(1.0, 100.0).logarithmic);
}

TEST(SizeAxis, HasATickAtEachSize) {
  const Axis axis = size_axis({1.0, 4.0, 16.0});
  EXPECT_THAT(axis.ticks, ElementsAre(1.0, 4.0, 16.0));
  EXPECT_DOUBLE_EQ(axis.place(1.0), 0.0);
  EXPECT_DOUBLE_EQ(axis.place(4.0), 0.5);
  EXPECT_DOUBLE_EQ(axis.place(16.0), 1.0);
}

TEST(SizeAxis, PutsALoneSizeInTheMiddle) { EXPECT_EQ(size_axis({8.0}).place(8.0), 0.5); }

TEST(LinearAxis, PlacesValuesByTheirShare) { EXPECT_DOUBLE_EQ(linear_axis(10.0).place(2.5), 0.25); }

TEST(TickLabel, HasNoExponentAndNoRoundingError) {
  EXPECT_EQ(tick_label(0.0), "0");
  EXPECT_EQ(tick_label(0.1 + 0.2), "0.3");
  EXPECT_EQ(tick_label(20.0), "20");
  EXPECT_EQ(tick_label(1500.0), "1500");
  EXPECT_EQ(tick_label(2e6), "2000000");
  EXPECT_EQ(tick_label(2e-5), "0.000020000");
}

}  // namespace
}  // namespace caravan::cli
