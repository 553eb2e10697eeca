#include "sampling/logprobs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sampling/naive.h"

namespace caravan {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

TEST(Logprobs, AreTheLogarithmOfTheSoftmax) {
  for (const float deviation : {0.1F, 2.0F, 10.0F}) {
    const std::vector<float> logits = test::random_row(1, 5000, deviation);
    const std::vector<double> probabilities = test::naive_probabilities(logits, 1.0);
    for (const int32_t token : {0, 17, 4999}) {
      const double exact = std::log(probabilities[static_cast<size_t>(token)]);
      EXPECT_NEAR(logprobs_of(logits, token, 0).logprob, exact, 1e-6 + std::abs(exact) * 6e-8);
    }
    for (const TokenLogprob& each : logprobs_of(logits, 0, 20).top) {
      const double exact = std::log(probabilities[static_cast<size_t>(each.token)]);
      EXPECT_NEAR(each.logprob, exact, 1e-6 + std::abs(exact) * 6e-8);
    }
  }
}

TEST(Logprobs, ListTheLikeliestFirstAndAgreeWithTheRank) {
  const std::vector<float> logits = test::random_row(2, 3000, 2.0F);
  const Logprobs found = logprobs_of(logits, 5, 20);
  ASSERT_EQ(found.top.size(), 20U);
  for (size_t i = 0; i < found.top.size(); ++i) {
    const Logprobs own = logprobs_of(logits, found.top[i].token, 0);
    EXPECT_EQ(own.rank, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(own.logprob, found.top[i].logprob);
    EXPECT_TRUE(own.top.empty());
  }
}

TEST(Logprobs, GiveTiesToTheLowestId) {
  const std::vector<float> logits = {0.0F, 1.0F, 1.0F, 1.0F};
  const Logprobs found = logprobs_of(logits, 3, 2);
  EXPECT_EQ(found.rank, 3);
  EXPECT_EQ(found.top[0].token, 1);
  EXPECT_EQ(found.top[1].token, 2);
}

TEST(Logprobs, DoNotOverflowWithLargeLogits) {
  const std::vector<float> logits = {3e38F, 3e38F, -3e38F};
  EXPECT_NEAR(logprobs_of(logits, 0, 0).logprob, -std::log(2.0), 1e-6);
  EXPECT_LT(logprobs_of(logits, 2, 0).logprob, -1e38F);
}

TEST(Logprobs, SayMinusInfinityOfWhatCannotBe) {
  const std::vector<float> logits = {0.0F, kNever, std::nanf("")};
  EXPECT_EQ(logprobs_of(logits, 1, 0).logprob, kNever);
  EXPECT_EQ(logprobs_of(logits, 2, 0).logprob, kNever);
  EXPECT_EQ(logprobs_of(logits, 2, 0).rank, 3);
  EXPECT_EQ(logprobs_of(logits, 0, 3).top.size(), 1U);
  EXPECT_EQ(logprobs_of(logits, 0, 3).logprob, 0.0F);
}

TEST(Logprobs, AreEqualWhereNothingTellsTokensApart) {
  EXPECT_NEAR(logprobs_of(std::vector<float>(4, kNever), 2, 0).logprob, -std::log(4.0), 1e-6);
  EXPECT_NEAR(logprobs_of(std::vector<float>{-kNever, 0.0F, -kNever}, 0, 0).logprob, -std::log(2.0), 1e-6);
}

}  // namespace
}  // namespace caravan
