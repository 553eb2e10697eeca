#include "sampling/row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "sampling/draw.h"
#include "sampling/naive.h"

namespace caravan {
namespace {

Row scanned(const std::vector<float>& logits) {
  Row row;
  scan_row(logits, row);
  return row;
}

std::vector<int32_t> top(const std::vector<float>& logits, size_t count) {
  std::vector<TokenLogit> found;
  select_top(scanned(logits), count, found);
  std::vector<int32_t> tokens;
  tokens.reserve(found.size());
  for (const TokenLogit& each : found) tokens.push_back(each.token);
  return tokens;
}

const float kNan = std::nanf("");

TEST(Exp2, IsWithinItsErrorOfTheExactPower) {
  double worst = 0.0;
  for (int i = 0; i <= 1'260'000; ++i) {
    const float x = static_cast<float>(-i) / 10'000.0F;
    worst =
        std::max(worst, std::abs(static_cast<double>(exp2_of(x)) / std::exp2(static_cast<double>(x)) - 1.0));
  }
  EXPECT_LT(worst, 1.9e-7);
}

TEST(Exp2, IsExactAtWholeNumbersAndLevelBelowTheLowest) {
  EXPECT_EQ(exp2_of(0.0F), 1.0F);
  EXPECT_EQ(exp2_of(-1.0F), 0.5F);
  EXPECT_EQ(exp2_of(-126.0F), 0x1p-126F);
  EXPECT_EQ(exp2_of(-1e30F), 0x1p-126F);
  EXPECT_EQ(exp2_of(kMinusInfinity), 0x1p-126F);
  EXPECT_EQ(exp2_of(kNan), 0x1p-126F);
}

TEST(Row, FindsTheLikeliestWhereverItIs) {
  for (const size_t vocab : {1U, 4U, 31U, 32U, 33U, 64U, 97U}) {
    for (size_t place = 0; place < vocab; ++place) {
      std::vector<float> logits(vocab, -2.0F);
      logits[place] = -1.0F;
      EXPECT_EQ(likeliest(scanned(logits)), static_cast<int32_t>(place)) << "of " << vocab;
      EXPECT_EQ(scanned(logits).largest, -1.0F);
    }
  }
}

TEST(Row, CountsNanAsMinusInfinityWhereverItIs) {
  for (size_t place = 0; place < 40; ++place) {
    std::vector<float> logits(40, kNan);
    logits[place] = -1.0F;
    EXPECT_EQ(likeliest(scanned(logits)), static_cast<int32_t>(place));
    EXPECT_EQ(top(logits, 3), std::vector<int32_t>{static_cast<int32_t>(place)});
  }
  EXPECT_EQ(likeliest(scanned(std::vector<float>(40, kNan))), 0);
}

TEST(Row, GivesTiesToTheLowestId) {
  std::vector<float> logits(100, 0.0F);
  logits[70] = logits[40] = logits[99] = 1.0F;
  EXPECT_EQ(likeliest(scanned(logits)), 40);
  EXPECT_EQ(top(logits, 5), (std::vector<int32_t>{40, 70, 99, 0, 1}));
  EXPECT_EQ(likelier_than(logits, 70), 1);
  EXPECT_EQ(likelier_than(logits, 2), 5);
}

TEST(Row, SelectsWhatSortingWouldPutFirst) {
  for (const size_t vocab : {7U, 300U, 5000U}) {
    std::vector<float> logits = test::random_row(vocab, vocab, 2.0F);
    for (size_t i = 0; i < vocab; i += 3) logits[i] = std::round(logits[i]);
    std::vector<int32_t> sorted(vocab);
    std::iota(sorted.begin(), sorted.end(), 0);
    std::stable_sort(sorted.begin(), sorted.end(), [&](int32_t a, int32_t b) {
      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
    });
    for (const size_t count : {0U, 1U, 2U, 20U, 157U, 4999U, 9999U}) {
      const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(std::min(count, vocab));
      EXPECT_EQ(top(logits, count), std::vector<int32_t>(sorted.begin(), end));
    }
    for (size_t place = 0; place < vocab; place += 97) {
      EXPECT_EQ(likelier_than(logits, sorted[place]), static_cast<int64_t>(place));
    }
  }
}

TEST(Row, CountsWhatIsLikelierThanMinusInfinity) {
  const std::vector<float> logits = {kNan, 1.0F, kMinusInfinity, 2.0F, kNan};
  EXPECT_EQ(likelier_than(logits, 0), 2);
  EXPECT_EQ(likelier_than(logits, 2), 3);
  EXPECT_EQ(likelier_than(logits, 4), 4);
  EXPECT_EQ(likelier_than(logits, 1), 1);
}

TEST(Row, SumsWeightsWithinItsError) {
  for (const float deviation : {0.1F, 2.0F, 20.0F}) {
    for (const size_t vocab : {1U, 50U, 32'000U}) {
      const std::vector<float> logits = test::random_row(9, vocab, deviation);
      const Row row = scanned(logits);
      double exact = 0.0;
      for (const float logit : logits) {
        exact += std::exp((static_cast<double>(logit) - static_cast<double>(row.largest)) / 0.7);
      }
      EXPECT_NEAR(sum_weights(row, weighing_of(row, 0.7)) / exact, 1.0, 1e-6);
    }
  }
}

TEST(DrawToken, NeverTakesMinusInfinityWhateverTheRandomBits) {
  std::vector<float> logits(70, kMinusInfinity);
  logits[69] = -3.0F;
  const Row row = scanned(logits);
  std::vector<double> scratch;
  for (uint64_t random = 0; random < 1000; ++random) {
    EXPECT_EQ(draw_token(row, weighing_of(row, 1.0), random, scratch), 69);
  }
}

}  // namespace
}  // namespace caravan
