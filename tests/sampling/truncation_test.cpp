#include "sampling/truncation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sampling/naive.h"

namespace caravan {
namespace {

std::set<int32_t> kept(const std::vector<float>& logits, const SamplingParams& params) {
  Row row;
  scan_row(logits, row);
  Candidates candidates;
  truncate(row, params, candidates);
  std::set<int32_t> tokens;
  for (size_t i = 0; i < candidates.kept.count; ++i) tokens.insert(candidates.kept.tokens[i]);
  EXPECT_EQ(tokens.size(), candidates.kept.count) << "a token was kept twice";
  return tokens;
}

std::set<int32_t> naively_kept(const std::vector<float>& logits, const SamplingParams& params) {
  std::set<int32_t> tokens;
  const std::vector<double> probabilities = test::naive_truncated(logits, params);
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] > 0.0) tokens.insert(static_cast<int32_t>(i));
  }
  return tokens;
}

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  logits.reserve(probabilities.size());
  for (const double each : probabilities) logits.push_back(static_cast<float>(std::log(each)));
  return logits;
}

using Tokens = std::set<int32_t>;

TEST(Truncation, KeepsWhatANaiveImplementationKeeps) {
  const std::vector<SamplingParams> all = {
      {.top_k = 1},
      {.top_k = 7},
      {.top_k = 400},
      {.top_p = 0.1},
      {.top_p = 0.5},
      {.top_p = 0.9},
      {.top_p = 0.99},
      {.min_p = 0.001},
      {.min_p = 0.1},
      {.typical_p = 0.2},
      {.typical_p = 0.9},
      {.top_k = 30, .top_p = 0.8},
      {.top_p = 0.9, .min_p = 0.05},
      {.top_k = 100, .top_p = 0.95, .min_p = 0.01, .typical_p = 0.9},
      {.temperature = 0.3, .top_p = 0.9},
      {.temperature = 3.0, .top_p = 0.9, .typical_p = 0.5},
  };
  for (const size_t vocab : {5U, 32U, 100U, 3001U}) {
    for (const float deviation : {0.5F, 2.0F, 6.0F}) {
      for (uint64_t seed = 0; seed < 5; ++seed) {
        const std::vector<float> logits = test::random_row(seed, vocab, deviation);
        for (size_t i = 0; i < all.size(); ++i) {
          if (all[i].top_k > static_cast<int64_t>(vocab)) continue;
          EXPECT_EQ(kept(logits, all[i]), naively_kept(logits, all[i]))
              << "params " << i << ", vocabulary " << vocab << ", deviation " << deviation << ", seed "
              << seed;
        }
      }
    }
  }
}

TEST(Truncation, KeepsAllWithATopKOfTheVocabularyOrMore) {
  EXPECT_EQ(kept({1.0F, 2.0F}, {.top_k = 2}), (Tokens{0, 1}));
  EXPECT_EQ(kept({1.0F, 2.0F}, {.top_k = 1'000'000'000'000}), (Tokens{0, 1}));
}

TEST(Truncation, NeverKeepsMinusInfinity) {
  EXPECT_EQ(kept({kMinusInfinity, 0.0F, std::nanf("")}, {.top_k = 2}), Tokens{1});
  EXPECT_EQ(kept({kMinusInfinity, 0.0F, std::nanf("")}, {.top_p = 0.9999}), Tokens{1});
  EXPECT_EQ(kept({kMinusInfinity, 0.0F, std::nanf("")}, {.typical_p = 0.9999}), Tokens{1});
}

TEST(Truncation, BreaksTiesByLowestId) {
  const std::vector<float> equal(500, 1.0F);
  EXPECT_EQ(kept(equal, {.top_k = 3}), (Tokens{0, 1, 2}));
  EXPECT_EQ(kept(equal, {.top_p = 0.0041}), (Tokens{0, 1, 2}));
  EXPECT_EQ(kept(equal, {.typical_p = 0.0041}), (Tokens{0, 1, 2}));
}

TEST(Truncation, KeepsOneTokenAtLeast) {
  EXPECT_EQ(kept({0.0F, 1.0F}, {.top_p = 0.0}), Tokens{1});
  EXPECT_EQ(kept({0.0F, 1.0F}, {.min_p = 1.0}), Tokens{1});
  EXPECT_EQ(kept({0.0F, 1.0F}, {.typical_p = 0.0}).size(), 1U);
}

TEST(Truncation, KeepsTheTokensNearestToTheEntropy) {
  // The information of 0.5, 0.25, 0.125 and 0.125 is 1, 2, 3 and 3 bits, the entropy 1.75 bits: distances
  // 0.75, 0.25, 1.25 and 1.25, so that the second token is the most typical, the likeliest the next.
  const std::vector<float> logits = logits_of({0.5, 0.25, 0.125, 0.125});
  EXPECT_EQ(kept(logits, {.typical_p = 0.2}), Tokens{1});
  EXPECT_EQ(kept(logits, {.typical_p = 0.7}), (Tokens{0, 1}));
  EXPECT_EQ(kept(logits, {.typical_p = 0.8}), (Tokens{0, 1, 2}));
  EXPECT_EQ(kept(logits, {.typical_p = 0.9}), (Tokens{0, 1, 2, 3}));
}

TEST(Truncation, MayDropTheLikeliestTokenAsUntypical) {
  // 0.4 and twelve of 0.05: informations of 1.32 and 4.32 bits, entropy 0.53 + 2.59 = 3.12; distances 1.80
  // and 1.20, so that the twelve come first, whose probability is 0.6.
  std::vector<double> probabilities(13, 0.05);
  probabilities[4] = 0.4;
  EXPECT_EQ(kept(logits_of(probabilities), {.typical_p = 0.59}).count(4), 0U);
  EXPECT_EQ(kept(logits_of(probabilities), {.typical_p = 0.61}).count(4), 1U);
}

TEST(Truncation, FindsTypicalTokensAmongWhatTheOthersLeave) {
  // Top-k leaves 0.5, 0.25, 0.25 (of 0.4, 0.2, 0.2): 1, 2 and 2 bits, entropy 1.5: all are at a distance of
  // 0.5.
  const std::vector<float> logits = {2.0F, 1.0F, 1.0F, 0.9F, 0.9F};
  EXPECT_EQ(kept(logits, {.top_k = 3, .typical_p = 0.999}), (Tokens{0, 1, 2}));
}

TEST(Truncation, DrawsByWeight) {
  Candidates candidates;
  candidates.kept.push_back(0.0F, 5, 1);
  candidates.kept.push_back(0.0F, 6, 0);
  candidates.kept.push_back(0.0F, 7, 3);
  EXPECT_EQ(draw_candidate(candidates, 0), 5);
  EXPECT_EQ(draw_candidate(candidates, uint64_t{1} << 62U), 7);
  EXPECT_EQ(draw_candidate(candidates, ~uint64_t{0}), 7);
}

}  // namespace
}  // namespace caravan
