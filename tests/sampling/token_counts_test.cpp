#include "sampling/token_counts.h"

#include <gtest/gtest.h>

#include <map>

namespace caravan {
namespace {

using Tokens = std::vector<int32_t>;

std::map<int32_t, int32_t> in_output(const TokenCounts& counts) {
  std::map<int32_t, int32_t> found;
  for (const TokenCounts::Count& count : counts.counts()) found[count.token] = count.in_output;
  EXPECT_EQ(found.size(), counts.counts().size()) << "a token is listed twice";
  return found;
}

using Found = std::map<int32_t, int32_t>;

TEST(TokenCounts, CountsTheOutputAndListsThePrompt) {
  TokenCounts counts;
  counts.update(Tokens{4, 5, 4}, Tokens{5, 6, 5});
  EXPECT_EQ(in_output(counts), (Found{{4, 0}, {5, 2}, {6, 1}}));
}

TEST(TokenCounts, GoesOnAsTheSpansGrow) {
  TokenCounts counts;
  Tokens prompt = {1};
  Tokens output;
  for (int32_t i = 0; i < 100; ++i) {
    counts.update(prompt, output);
    output.push_back(i % 3);
    if (i % 10 == 0) prompt.push_back(i);
  }
  TokenCounts afresh;
  counts.update(prompt, output);
  afresh.update(prompt, output);
  EXPECT_EQ(in_output(counts), in_output(afresh));
  EXPECT_EQ(in_output(counts).at(0), 34);
}

TEST(TokenCounts, StartsAfreshWhenASpanDoesNotContinue) {
  TokenCounts counts;
  counts.update(Tokens{1, 2}, Tokens{3, 3});
  counts.update(Tokens{1, 2}, Tokens{3});
  EXPECT_EQ(in_output(counts), (Found{{1, 0}, {2, 0}, {3, 1}}));
  counts.update(Tokens{1, 7}, Tokens{3});
  EXPECT_EQ(in_output(counts), (Found{{1, 0}, {7, 0}, {3, 1}}));
  counts.update(Tokens{1, 7}, Tokens{4, 4});
  EXPECT_EQ(in_output(counts), (Found{{1, 0}, {7, 0}, {4, 2}}));
  counts.update({}, {});
  EXPECT_TRUE(counts.counts().empty());
}

}  // namespace
}  // namespace caravan
