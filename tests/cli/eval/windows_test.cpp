#include "cli/eval/windows.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace caravan::eval {
namespace {

TEST(Windows, AreThoseOfHuggingFacesPage) {
  // begin_loc, end_loc and trg_len of its loop, for 10 tokens, max_length 4 and stride 2.
  const std::vector<Window> windows = windows_of(10, 4, 2);
  ASSERT_EQ(windows.size(), 4U);
  const int64_t expected[4][3] = {{0, 4, 1}, {2, 6, 4}, {4, 8, 6}, {6, 10, 8}};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(windows[i].begin, expected[i][0]);
    EXPECT_EQ(windows[i].end, expected[i][1]);
    EXPECT_EQ(windows[i].first_scored, expected[i][2]);
  }
}

TEST(Windows, ScoreEveryTokenButTheFirstOnceWithSomethingBeforeIt) {
  for (int64_t tokens = 0; tokens <= 40; ++tokens) {
    for (int64_t max_length = 2; max_length <= 17; ++max_length) {
      for (int64_t stride = 1; stride < max_length; ++stride) {
        SCOPED_TRACE(testing::Message() << tokens << " tokens, " << max_length << ", " << stride);
        int64_t next = 1;
        for (const Window& window : windows_of(tokens, max_length, stride)) {
          EXPECT_EQ(window.first_scored, next);
          EXPECT_GT(window.first_scored, window.begin);
          EXPECT_LT(window.first_scored, window.end);
          EXPECT_LE(window.end - window.begin, max_length);
          EXPECT_LE(window.end, tokens);
          next = window.end;
        }
        EXPECT_EQ(next, std::max<int64_t>(1, tokens));
      }
    }
  }
}

TEST(Windows, OfAShortTextAreOneAndOfOneTokenNone) {
  EXPECT_TRUE(windows_of(0, 8, 4).empty());
  EXPECT_TRUE(windows_of(1, 8, 4).empty());
  EXPECT_EQ(windows_of(2, 8, 4).size(), 1U);
  EXPECT_EQ(windows_of(8, 8, 4).size(), 1U);
  EXPECT_EQ(windows_of(9, 8, 4).size(), 2U);
}

}  // namespace
}  // namespace caravan::eval
