// What is drawn, against probabilities in double: Pearson's test with fixed seeds.
#include <gtest/gtest.h>

#include "sampling/naive.h"
#include "sampling/sampler.h"

namespace caravan {
namespace {

void expect_distribution(const SamplingParams& params, const std::vector<float>& logits, int draws) {
  Sampler sampler(params);
  std::vector<int> counts(logits.size(), 0);
  for (int i = 0; i < draws; ++i) ++counts[static_cast<size_t>(sampler.sample(logits, {}, {}))];
  const std::vector<double> probabilities = test::naive_truncated(logits, params);
  for (size_t i = 0; i < counts.size(); ++i) {
    if (probabilities[i] == 0.0) {
      ASSERT_EQ(counts[i], 0) << "token " << i << " is kept by nothing";
    }
  }
  EXPECT_LT(test::chi_square_deviations(counts, probabilities), 4.0);
}

TEST(SamplerDistribution, IsTheModelsOwnWithoutTruncation) {
  expect_distribution({.seed = 1}, test::random_row(1, 1000, 1.0F), 100'000);
  expect_distribution({.seed = 2}, test::random_row(2, 333, 3.0F), 100'000);
  expect_distribution({.temperature = 0.5, .seed = 3}, test::random_row(3, 1000, 1.0F), 100'000);
  expect_distribution({.temperature = 5.0, .seed = 4}, test::random_row(4, 1000, 3.0F), 100'000);
}

TEST(SamplerDistribution, IsRightInVocabulariesSmallerThanAChunk) {
  expect_distribution({.seed = 5}, {0.0F, 1.0F, 0.5F}, 20'000);
  expect_distribution({.seed = 6}, std::vector<float>(33, 0.0F), 20'000);
}

TEST(SamplerDistribution, IsRightWhenOneTokenOfAChunkOutweighsTheRest) {
  std::vector<float> logits(64, -4.0F);
  logits[3] = 4.0F;
  expect_distribution({.seed = 7}, logits, 50'000);
}

TEST(SamplerDistribution, IsThatOfTheTokensKept) {
  const std::vector<float> logits = test::random_row(8, 2000, 1.5F);
  expect_distribution({.top_k = 50, .seed = 8}, logits, 10'000);
  expect_distribution({.top_p = 0.8, .seed = 9}, logits, 10'000);
  expect_distribution({.min_p = 0.02, .seed = 10}, logits, 10'000);
  expect_distribution({.typical_p = 0.7, .seed = 11}, logits, 10'000);
  expect_distribution(
      {.temperature = 0.8, .top_k = 100, .top_p = 0.9, .min_p = 0.01, .typical_p = 0.9, .seed = 12}, logits,
      10'000);
}

TEST(SamplerDistribution, HasIndependentSuccessiveDraws) {
  // Of two equal tokens, the four pairs of successive draws are equally frequent.
  Sampler sampler({.seed = 13});
  const std::vector<float> logits(2, 0.0F);
  std::vector<int> pairs(4, 0);
  for (int i = 0; i < 20'000; ++i) {
    const auto first = static_cast<size_t>(sampler.sample(logits, {}, {}));
    ++pairs[2 * first + static_cast<size_t>(sampler.sample(logits, {}, {}))];
  }
  EXPECT_LT(test::chi_square_deviations(pairs, std::vector<double>(4, 0.25)), 4.0);
}

}  // namespace
}  // namespace caravan
