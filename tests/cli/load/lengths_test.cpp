#include "cli/load/lengths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/statistics.h"
#include "support/errors.h"

namespace caravan::load {
namespace {

using testing::HasSubstr;

std::vector<double> draws_of(const std::string& text) {
  const LengthDistribution lengths = LengthDistribution::parse("--input-length", text);
  Random random(7);
  std::vector<double> draws(50000);
  for (double& each : draws) each = static_cast<double>(lengths.draw(random));
  return draws;
}

double deviation_of(const std::vector<double>& values) { return sample_deviation(values); }

TEST(Lengths, OfOneNumberAreThatNumber) {
  const std::vector<double> draws = draws_of("256");
  EXPECT_EQ(*std::min_element(draws.begin(), draws.end()), 256);
  EXPECT_EQ(*std::max_element(draws.begin(), draws.end()), 256);
}

TEST(Lengths, OfAUniformDistributionReachBothEnds) {
  const std::vector<double> draws = draws_of("uniform:1:9");
  EXPECT_EQ(*std::min_element(draws.begin(), draws.end()), 1);
  EXPECT_EQ(*std::max_element(draws.begin(), draws.end()), 9);
  EXPECT_NEAR(mean_of(draws), 5.0, 0.05);
  EXPECT_NEAR(deviation_of(draws), 2.58, 0.03);
}

TEST(Lengths, OfANormalDistributionHaveItsMoments) {
  const std::vector<double> draws = draws_of("normal:256:32");
  EXPECT_NEAR(mean_of(draws), 256.0, 1.0);
  EXPECT_NEAR(deviation_of(draws), 32.0, 0.5);
  EXPECT_NEAR(quantile(draws, 0.9772), 256.0 + 2 * 32.0, 3.0);
}

TEST(Lengths, OfALogNormalDistributionHaveItsMoments) {
  const std::vector<double> draws = draws_of("lognormal:1000:500");
  EXPECT_NEAR(mean_of(draws), 1000.0, 15.0);
  EXPECT_NEAR(deviation_of(draws), 500.0, 15.0);
  // The median of a log-normal distribution: mean / sqrt(1 + (deviation / mean)^2).
  EXPECT_NEAR(median(draws), 894.4, 15.0);
}

TEST(Lengths, AreDrawnAgainWhereTheyAreBelowOne) {
  const std::vector<double> draws = draws_of("normal:2:3");
  EXPECT_EQ(*std::min_element(draws.begin(), draws.end()), 1);
}

TEST(Lengths, AreTheSameForTheSameSeed) { EXPECT_EQ(draws_of("normal:256:32"), draws_of("normal:256:32")); }

TEST(Lengths, ThatAreNoneAreRefused) {
  for (const char* text :
       {"", "0", "-3", "x", "1.5", "uniform:1", "uniform:0:5", "uniform:1:x", "normal:5", "normal:0:5",
        "normal:nan:1", "normal:5:-1", "gauss:5:1", "uniform:1:2:3", "10000001"}) {
    EXPECT_THAT(test::error_of([text] { LengthDistribution::parse("--input-length", text); }),
                HasSubstr("--input-length: found \"" + std::string(text) + "\", expected a length, uniform:"))
        << text;
  }
  EXPECT_THAT(test::error_of([] { LengthDistribution::parse("--output-length", "uniform:9:3"); }),
              HasSubstr("the lower length first"));
}

TEST(Random, HasTheMomentsOfItsGammaDistributions) {
  for (const double shape : {0.25, 1.0, 4.0}) {
    Random random(3);
    std::vector<double> draws(50000);
    for (double& each : draws) each = random.gamma(shape);
    EXPECT_NEAR(mean_of(draws), shape, 0.03 * (1.0 + shape)) << shape;
    EXPECT_NEAR(deviation_of(draws), std::sqrt(shape), 0.03 * (1.0 + shape)) << shape;
  }
}

}  // namespace
}  // namespace caravan::load
