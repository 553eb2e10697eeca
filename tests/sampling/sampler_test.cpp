#include "sampling/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <thread>

namespace caravan {
namespace {

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

TEST(Sampler, AddsTheBiasBeforeThePenalties) {
  EXPECT_EQ(greedy({.logit_bias = {{1, 2.5F}}}, {3.0F, 1.0F}), 1);
  EXPECT_EQ(greedy({.logit_bias = {{0, -100.0F}}}, {30.0F, 1.0F}), 1);
  EXPECT_EQ(greedy({.logit_bias = {{0, 1.0F}, {0, 1.0F}}}, {1.0F, 2.5F}), 0);
  // (1 + 4) / 2 is below 3; 1 / 2 + 4 would be above.
  EXPECT_EQ(greedy({.repetition_penalty = 2.0, .logit_bias = {{0, 4.0F}}}, {1.0F, 3.0F}, {0}), 1);
}

TEST(Sampler, CountsAgainWhenTheSpansDoNotContinue) {
  Sampler sampler({.temperature = 0.0, .frequency_penalty = 0.5});
  const std::vector<float> logits = {3.0F, 1.8F};
  EXPECT_EQ(sampler.sample(logits, {}, std::vector<int32_t>{0, 0}), 0);
  EXPECT_EQ(sampler.sample(logits, {}, std::vector<int32_t>{0, 0, 0}), 1);
  EXPECT_EQ(sampler.sample(logits, {}, std::vector<int32_t>{1}), 0);
  EXPECT_EQ(sampler.sample(logits, {}, std::vector<int32_t>{0, 0, 0}), 1);
}

TEST(Sampler, ReturnsOnlyWhatTheMaskAllows) {
  const std::vector<float> logits(130, 1.0F);
  const std::vector<uint64_t> allowed = {0, uint64_t{1} << 3U, 2};
  const SamplingParams bias = {.logit_bias = {{0, 100.0F}}};
  for (const SamplingParams& params : std::vector<SamplingParams>{
           {}, {.top_k = 50}, {.top_p = 0.99}, {.min_p = 0.1}, {.typical_p = 0.99}, bias}) {
    Sampler sampler(params);
    std::map<int32_t, int> counts;
    for (int i = 0; i < 200; ++i) ++counts[sampler.sample(logits, {}, {}, allowed)];
    EXPECT_EQ(counts.size(), 2U);
    EXPECT_TRUE(counts.contains(67) && counts.contains(129));
  }
  EXPECT_EQ(Sampler({.temperature = 0.0}).sample(logits, {}, {}, allowed), 67);
}

TEST(Sampler, KeepsToTheMaskWhenTheModelDeniesAllOfIt) {
  const std::vector<float> logits = {5.0F, kNever, kNever, std::nanf("")};
  const std::vector<uint64_t> allowed = {0b1100};
  EXPECT_EQ(Sampler({.temperature = 0.0}).sample(logits, {}, {}, allowed), 2);
  Sampler sampler({});
  std::map<int32_t, int> counts;
  for (int i = 0; i < 200; ++i) ++counts[sampler.sample(logits, {}, {}, allowed)];
  EXPECT_TRUE(counts.size() == 2 && counts.contains(2) && counts.contains(3));
}

TEST(SamplerDeathTest, HoldsAMaskThatAllowsNothingForABug) {
  const std::vector<float> logits(3, 0.0F);
  // The bit is after the vocabulary's.
  const std::vector<uint64_t> allowed = {0b1000};
  EXPECT_DEATH(Sampler({}).sample(logits, {}, {}, allowed), "any");
}

TEST(SamplerDeathTest, HoldsABiasOutsideTheVocabularyForABug) {
  EXPECT_DEATH(Sampler({.logit_bias = {{3, 1.0F}}}).sample(std::vector<float>(3, 0.0F), {}, {}), "size");
}

TEST(Sampler, TakesOnlyPlusInfinityWhereThereIsSome) {
  const std::vector<float> logits = {-kNever, 3.0F, -kNever};
  const std::map<int32_t, int> counts = draw({}, logits, 200);
  EXPECT_TRUE(counts.size() == 2 && counts.contains(0) && counts.contains(2));
  EXPECT_EQ(greedy({}, logits), 0);
}

TEST(Sampler, IsNearlyGreedyAtTheLowestTemperatures) {
  EXPECT_EQ(draw({.temperature = 1e-320}, {1.0F, 1.0001F, -3.0F}, 100), (std::map<int32_t, int>{{1, 100}}));
}

TEST(Sampler, DrawsTheSameInThreadsAsAlone) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0.0F, 3.0F);
  std::vector<float> logits(5000);
  for (float& logit : logits) logit = normal(random);
  const std::vector<SamplingParams> all = {{.seed = 1},
                                           {.top_k = 40, .seed = 2},
                                           {.top_p = 0.9, .seed = 3},
                                           {.typical_p = 0.9, .repetition_penalty = 1.2, .seed = 4}};
  const auto tokens_of = [&logits](const SamplingParams& params) {
    Sampler sampler(params);
    std::vector<int32_t> output;
    output.reserve(50);
    for (int i = 0; i < 50; ++i) output.push_back(sampler.sample(logits, {}, output));
    return output;
  };
  std::vector<std::vector<int32_t>> found(all.size());
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < all.size(); ++i) {
      threads.emplace_back([&, i] { found[i] = tokens_of(all[i]); });
    }
  }
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(found[i], tokens_of(all[i]));
}

TEST(Sampler, DrawsTheSameOnEveryMachine) {
  // Logits by whole numbers alone; the tokens were found on x86-64 and are those of aarch64 too.
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i * 7919 % 1009) / 64.0F;
  const auto tokens_of = [&logits](const SamplingParams& params) {
    Sampler sampler(params);
    std::vector<int32_t> tokens;
    tokens.reserve(8);
    for (int i = 0; i < 8; ++i) tokens.push_back(sampler.sample(logits, {}, {}));
    return tokens;
  };
  const std::vector<int32_t> plain = {825, 911, 86, 99, 831, 555, 831, 996};
  const std::vector<int32_t> nucleus = {765, 640, 765, 132, 897, 86, 574, 370};
  const std::vector<int32_t> typical = {785, 660, 785, 119, 937, 80, 594, 370};
  EXPECT_EQ(tokens_of({.temperature = 1.3, .seed = 42}), plain);
  EXPECT_EQ(tokens_of({.temperature = 1.3, .top_p = 0.8, .seed = 42}), nucleus);
  EXPECT_EQ(tokens_of({.temperature = 1.3, .typical_p = 0.5, .seed = 42}), typical);
}

}  // namespace
}  // namespace caravan
