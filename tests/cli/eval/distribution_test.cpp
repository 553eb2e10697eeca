#include "cli/eval/distribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace caravan::eval {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Distribution, GivesEveryTokenOfAUniformOneTheLogarithmOfTheirNumber) {
  const std::vector<float> logits(131, -3.5F);
  const Distribution distribution(logits);
  EXPECT_DOUBLE_EQ(distribution.nats_of(0), std::log(131.0));
  EXPECT_DOUBLE_EQ(distribution.nats_of(130), std::log(131.0));
  EXPECT_EQ(distribution.best(), 0);
}

TEST(Distribution, IsOfTheDifferencesOfItsLogits) {
  const std::vector<float> low = {0.0F, 1.0F, 3.0F};
  const std::vector<float> high = {1000.0F, 1001.0F, 1003.0F};
  const double total = 1.0 + std::exp(1.0) + std::exp(3.0);
  EXPECT_NEAR(Distribution(low).nats_of(1), std::log(total) - 1.0, 1e-14);
  EXPECT_NEAR(Distribution(high).nats_of(1), std::log(total) - 1.0, 1e-12);
  EXPECT_EQ(Distribution(high).best(), 2);
}

TEST(Distribution, RulesATokenOutAtMinusInfinity) {
  const std::vector<float> logits = {-kInfinity, 2.0F, 2.0F};
  EXPECT_EQ(Distribution(logits).nats_of(0), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(Distribution(logits).nats_of(2), std::log(2.0));
}

TEST(Distribution, ShowsWhatIsNoDistribution) {
  for (const std::vector<float>& logits :
       {std::vector<float>{NAN, 1.0F}, {kInfinity, 1.0F}, {-kInfinity, -kInfinity}}) {
    EXPECT_TRUE(std::isnan(Distribution(logits).nats_of(1)));
  }
}

TEST(Divergence, OfADistributionFromItselfIsZero) {
  const std::vector<float> logits = {0.25F, -7.0F, 3.0F, -kInfinity, 1e-3F};
  const Distribution one(logits);
  const Distribution same(logits);
  EXPECT_EQ(Divergence(one).to(same), 0.0);
}

TEST(Divergence, IsTheSumOfPTimesTheLogarithmOfPOverQ) {
  const std::vector<float> p = {static_cast<float>(std::log(3.0)), 0.0F};  // 3/4, 1/4
  const std::vector<float> q = {0.0F, 0.0F};                               // 1/2, 1/2
  const Distribution of_p(p);
  const Distribution of_q(q);
  EXPECT_NEAR(Divergence(of_p).to(of_q), 0.75 * std::log(1.5) + 0.25 * std::log(0.5), 1e-7);
  EXPECT_NEAR(Divergence(of_q).to(of_p), 0.5 * std::log(2.0 / 3.0) + 0.5 * std::log(2.0), 1e-7);
}

TEST(Divergence, IsInfiniteOnlyWhereTheBaselineExpectsWhatTheOtherRulesOut) {
  const std::vector<float> wide = {0.0F, 0.0F, 0.0F};
  const std::vector<float> narrow = {0.0F, -kInfinity, 0.0F};
  const Distribution of_wide(wide);
  const Distribution of_narrow(narrow);
  EXPECT_EQ(Divergence(of_wide).to(of_narrow), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(Divergence(of_narrow).to(of_wide), std::log(1.5), 1e-12);
}

}  // namespace
}  // namespace caravan::eval
