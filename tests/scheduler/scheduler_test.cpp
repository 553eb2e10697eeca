#include "scheduler/scheduler.h"

#include <gtest/gtest.h>

namespace caravan {
namespace {

/// The counts of a plan, by sequence; 0 where a sequence is left out.
std::vector<int64_t> counts(const std::vector<SequenceLengths>& sequences, int64_t max_batch_tokens) {
  std::vector<int64_t> out(sequences.size(), 0);
  for (const StepPart& part : plan_step(sequences, max_batch_tokens)) out.at(part.index) += part.count;
  return out;
}

TEST(PlanStep, PrefillsWholePromptsThatFit) {
  EXPECT_EQ(counts({{5, 0}, {7, 0}}, 100), (std::vector<int64_t>{5, 7}));
}

TEST(PlanStep, CutsThePromptThatDoesNotFit) {
  EXPECT_EQ(counts({{5, 0}, {7, 0}}, 8), (std::vector<int64_t>{5, 3}));
}

TEST(PlanStep, GoesOnWhereThePieceBeforeEnded) {
  EXPECT_EQ(counts({{7, 3}}, 100), (std::vector<int64_t>{4}));
}

TEST(PlanStep, PutsDecodesBeforePrefill) {
  EXPECT_EQ(counts({{100, 0}, {9, 8}, {4, 3}}, 10), (std::vector<int64_t>{8, 1, 1}));
}

TEST(PlanStep, NeverLeavesOutADecode) {
  EXPECT_EQ(counts({{9, 8}, {100, 0}, {4, 3}}, 1), (std::vector<int64_t>{1, 0, 1}));
}

TEST(PlanStep, IsNeverEmptyWhileATokenIsMissing) {
  EXPECT_EQ(counts({{100, 0}, {50, 0}}, 1), (std::vector<int64_t>{1, 0}));
}

TEST(PlanStep, LeavesOutWhatIsComputed) {
  EXPECT_TRUE(plan_step(std::vector<SequenceLengths>{{4, 4}}, 10).empty());
}

}  // namespace
}  // namespace caravan
