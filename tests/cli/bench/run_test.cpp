#include "cli/bench/run.h"

#include <gtest/gtest.h>

namespace caravan::cli {
namespace {

TEST(TokensWhilePrefilling, IsOneWhereOneStepComputesAllPrompts) {
  EXPECT_EQ(tokens_while_prefilling(1, 5, 5), 1);
  EXPECT_EQ(tokens_while_prefilling(4, 5, 20), 1);
  EXPECT_EQ(tokens_while_prefilling(3, 1, 3), 1);
}

TEST(TokensWhilePrefilling, IsOneForASingleSequenceHoweverManyStepsItsPromptTakes) {
  EXPECT_EQ(tokens_while_prefilling(1, 500, 1), 1);
  EXPECT_EQ(tokens_while_prefilling(1, 500, 7), 1);
}

TEST(TokensWhilePrefilling, CountsTheStepsInWhichTheFirstDecodes) {
  // 5 of the first; then its token beside 4 of the second; then its next beside the last one of the second.
  EXPECT_EQ(tokens_while_prefilling(2, 5, 5), 3);
  // The last token of the first beside one of the second, whose other four take a step each.
  EXPECT_EQ(tokens_while_prefilling(2, 5, 2), 5);
}

}  // namespace
}  // namespace caravan::cli
