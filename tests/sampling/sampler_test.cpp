#include "sampling/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"

namespace caravan {
namespace {

using testing::HasSubstr;

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// How often each token is drawn in `draws` draws from `logits`.
std::map<int32_t, int> draw(const SamplingParams& params, const std::vector<float>& logits, int draws,
                            const std::vector<int32_t>& prompt = {},
                            const std::vector<int32_t>& output = {}) {
  Sampler sampler(params);
  std::map<int32_t, int> counts;
  for (int i = 0; i < draws; ++i) ++counts[sampler.sample(logits, prompt, output)];
  return counts;
}

int32_t greedy(SamplingParams params, const std::vector<float>& logits,
               const std::vector<int32_t>& prompt = {}, const std::vector<int32_t>& output = {}) {
  params.temperature = 0.0;
  return Sampler(params).sample(logits, prompt, output);
}

TEST(Sampler, TakesTheLikeliestAtTemperatureZero) { EXPECT_EQ(greedy({}, {1.0F, 3.0F, 2.0F}), 1); }

TEST(Sampler, GivesGreedyTiesToTheLowestId) { EXPECT_EQ(greedy({}, {1.0F, 3.0F, 3.0F}), 1); }

TEST(Sampler, NeverTakesNan) {
  EXPECT_EQ(greedy({}, {std::nanf(""), -5.0F, std::nanf("")}), 1);
  EXPECT_EQ(draw({}, {std::nanf(""), -5.0F, kNever}, 100), (std::map<int32_t, int>{{1, 100}}));
}

TEST(Sampler, SurvivesLogitsThatAreAllMinusInfinity) {
  EXPECT_EQ(draw({}, {kNever, kNever}, 200).size(), 2U);
}

TEST(Sampler, DrawsByProbability) {
  // Probabilities 0.1, 0.2, 0.7; the bounds are 6 standard deviations of a binomial of 20,000.
  const std::vector<float> logits = {std::log(0.1F), std::log(0.2F), std::log(0.7F)};
  const std::map<int32_t, int> counts = draw({.seed = 7}, logits, 20000);
  EXPECT_NEAR(counts.at(0), 2000, 255);
  EXPECT_NEAR(counts.at(1), 4000, 340);
  EXPECT_NEAR(counts.at(2), 14000, 389);
}

TEST(Sampler, SharpensWithLowTemperature) {
  // At temperature 0.5 probabilities are squared: 0.3^2 : 0.7^2 is 9 : 49.
  const std::map<int32_t, int> counts =
      draw({.temperature = 0.5, .seed = 3}, {std::log(0.3F), std::log(0.7F)}, 20000);
  EXPECT_NEAR(counts.at(0), 20000 * 9.0 / 58.0, 310);
}

TEST(Sampler, SameSeedDrawsTheSame) {
  const std::vector<float> logits(50, 0.0F);
  Sampler first({.seed = 11});
  Sampler again({.seed = 11});
  Sampler other({.seed = 12});
  int differences = 0;
  for (int i = 0; i < 100; ++i) {
    const int32_t token = first.sample(logits, {}, {});
    EXPECT_EQ(token, again.sample(logits, {}, {}));
    differences += token != other.sample(logits, {}, {}) ? 1 : 0;
  }
  EXPECT_GT(differences, 50);
}

TEST(Sampler, KeepsTheTopK) {
  const std::map<int32_t, int> counts = draw({.top_k = 2}, {0.0F, 1.0F, 0.5F, -1.0F}, 500);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts.contains(1) && counts.contains(2));
}

TEST(Sampler, BreaksTopKTiesByLowestId) {
  const std::map<int32_t, int> counts = draw({.top_k = 2}, {0.0F, 0.0F, 0.0F, 0.0F}, 500);
  EXPECT_TRUE(counts.size() == 2 && counts.contains(0) && counts.contains(1));
}

TEST(Sampler, KeepsTheNucleusThatReachesTopP) {
  const std::vector<float> logits = {std::log(0.5F), std::log(0.3F), std::log(0.15F), std::log(0.05F)};
  EXPECT_EQ(draw({.top_p = 0.79}, logits, 500).size(), 2U);
  EXPECT_EQ(draw({.top_p = 0.81}, logits, 2000).size(), 3U);
  EXPECT_EQ(draw({.top_p = 0.0}, logits, 500).size(), 1U);
}

TEST(Sampler, FindsANucleusOfManyTokens) {
  // 1000 equal tokens: top-p 0.5 keeps 500 of them, the lowest ids.
  const std::map<int32_t, int> counts = draw({.top_p = 0.4999}, std::vector<float>(1000, 1.0F), 20000);
  EXPECT_EQ(counts.size(), 500U);
  EXPECT_EQ(counts.rbegin()->first, 499);
}

TEST(Sampler, DropsWhatIsFarBelowTheLikeliestByMinP) {
  const std::vector<float> logits = {std::log(0.5F), std::log(0.2F), std::log(0.04F)};
  EXPECT_EQ(draw({.min_p = 0.3}, logits, 500).size(), 2U);
  EXPECT_EQ(draw({.min_p = 1.0}, logits, 500).size(), 1U);
}

TEST(Sampler, PenalizesRepetitionOfPromptAndOutput) {
  const SamplingParams params = {.repetition_penalty = 2.0};
  EXPECT_EQ(greedy(params, {3.0F, 2.0F}, {0}), 1);
  EXPECT_EQ(greedy(params, {3.0F, 2.0F}, {}, {0}), 1);
  // Negative logits are multiplied, so that they fall too.
  EXPECT_EQ(greedy(params, {-1.0F, -1.5F}, {0}), 1);
  // However often a token occurred, it is penalized once.
  EXPECT_EQ(greedy(params, {3.0F, 1.4F}, {0, 0, 0}), 0);
}

TEST(Sampler, PenalizesPresenceOnceAndFrequencyEachTimeInTheOutputOnly) {
  EXPECT_EQ(greedy({.presence_penalty = 1.0}, {3.0F, 1.9F}, {}, {0, 0, 0}), 0);
  EXPECT_EQ(greedy({.presence_penalty = 1.2}, {3.0F, 1.9F}, {}, {0}), 1);
  EXPECT_EQ(greedy({.presence_penalty = 1.2}, {3.0F, 1.9F}, {0}, {}), 0);
  EXPECT_EQ(greedy({.frequency_penalty = 0.4}, {3.0F, 1.9F}, {}, {0, 0, 0}), 1);
  EXPECT_EQ(greedy({.frequency_penalty = 0.4}, {3.0F, 1.9F}, {0, 0, 0}, {}), 0);
}

TEST(CheckRanges, NamesTheFlagAndWhatIsRight) {
  const std::vector<std::pair<SamplingParams, std::string>> wrong = {
      {{.temperature = -0.1}, "--temperature: found -0.1, expected a number from 0 to 100"},
      {{.temperature = std::nan("")}, "--temperature: found nan"},
      {{.top_k = -1}, "--top-k: found -1, expected 0 (all tokens) or more"},
      {{.top_p = 1.5}, "--top-p: found 1.5, expected a number from 0 to 1"},
      {{.min_p = -1.0}, "--min-p: found -1"},
      {{.repetition_penalty = 0.0}, "--repetition-penalty: found 0"},
      {{.presence_penalty = 3.0}, "--presence-penalty: found 3, expected a number from -2 to 2"},
      {{.frequency_penalty = -3.0}, "--frequency-penalty: found -3"},
  };
  for (const auto& [params, sentence] : wrong) {
    try {
      check_ranges(params);
      ADD_FAILURE() << "accepted: " << sentence;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(sentence));
    }
  }
  EXPECT_NO_THROW(check_ranges({}));
}

}  // namespace
}  // namespace caravan
