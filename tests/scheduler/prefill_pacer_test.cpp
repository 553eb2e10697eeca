#include "scheduler/prefill_pacer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace caravan {
namespace {

/// Steps of a machine that reads weights in 50 ms and computes 5 ms a token.
double step_seconds(int64_t tokens) { return std::max(0.050, 0.005 * static_cast<double>(tokens)); }

/// What the pacer allows beside `decoding` sequences once it has learnt.
int64_t learnt_limit(double stretch, int64_t decoding) {
  PrefillPacer pacer(stretch);
  for (int i = 0; i < 200; ++i) {
    pacer.record(decoding, step_seconds(decoding));
    const int64_t tokens = decoding + pacer.limit(decoding);
    pacer.record(tokens, step_seconds(tokens));
  }
  return pacer.limit(decoding);
}

TEST(PrefillPacer, HasNoLimitWhereNothingDecodes) { EXPECT_EQ(PrefillPacer(1.5).limit(0), kNoLimit); }

TEST(PrefillPacer, HasNoLimitWithoutAStretch) {
  PrefillPacer pacer(0.0);
  pacer.record(4, 0.1);
  EXPECT_EQ(pacer.limit(4), kNoLimit);
}

TEST(PrefillPacer, BeginsCarefully) {
  EXPECT_EQ(PrefillPacer(1.5).limit(4), 12);
  EXPECT_GE(PrefillPacer(1.5).limit(64), 1);
}

TEST(PrefillPacer, LearnsHowManyTokensFitIntoTheStretchedStep) {
  // 75 ms are 15 tokens; a class of sizes is up to a sixth wide.
  const int64_t tokens = 4 + learnt_limit(1.5, 4);
  EXPECT_GE(tokens, 13);
  EXPECT_LE(tokens, 18);
}

TEST(PrefillPacer, ScalesWithTheDecodingSequences) {
  // 64 take 320 ms, so 96 may.
  const int64_t tokens = 64 + learnt_limit(1.5, 64);
  EXPECT_GE(tokens, 80);
  EXPECT_LE(tokens, 104);
}

TEST(PrefillPacer, IsNotMisledByOneDisturbedStep) {
  PrefillPacer pacer(1.5);
  for (int i = 0; i < 5; ++i) pacer.record(4, 0.05);
  for (int i = 0; i < 5; ++i) pacer.record(20, 0.1);
  const int64_t before = pacer.limit(4);
  pacer.record(4, 5.0);
  EXPECT_EQ(pacer.limit(4), before);
}

}  // namespace
}  // namespace caravan
