#include "cli/bench/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace caravan::cli {
namespace {

using testing::ElementsAre;

/// The answer where everything up to `limit` holds, and what was asked on the way.
struct Search {
  Search(int64_t limit, int64_t high) {
    found = largest_that_holds(high, [&](int64_t batch) {
      asked.push_back(batch);
      return batch <= limit;
    });
  }
  int64_t found = 0;
  std::vector<int64_t> asked;
};

TEST(LargestThatHolds, FindsEveryLimitWithinItsRange) {
  for (int64_t high = 1; high <= 70; ++high) {
    for (int64_t limit = 0; limit <= high; ++limit) EXPECT_EQ(Search(limit, high).found, limit) << high;
  }
}

TEST(LargestThatHolds, StopsAtTheTopWhereEverythingHolds) { EXPECT_EQ(Search(1000, 37).found, 37); }

TEST(LargestThatHolds, DoublesAndThenHalves) {
  EXPECT_THAT(Search(5, 100).asked, ElementsAre(1, 2, 4, 8, 6, 5));
  EXPECT_THAT(Search(0, 100).asked, ElementsAre(1));
  EXPECT_THAT(Search(9, 6).asked, ElementsAre(1, 2, 4, 6));
}

TEST(LargestThatHolds, AsksForNoNumberTwiceAndForFewInAll) {
  for (const int64_t limit : {1, 2, 63, 64, 65, 40000, 65536}) {
    Search search(limit, 65536);
    EXPECT_LE(search.asked.size(), 33U) << limit;
    std::sort(search.asked.begin(), search.asked.end());
    EXPECT_EQ(std::adjacent_find(search.asked.begin(), search.asked.end()), search.asked.end()) << limit;
  }
}

TEST(LargestThatHolds, AsksNothingOfAnEmptyRange) { EXPECT_THAT(Search(5, 0).asked, ElementsAre()); }

}  // namespace
}  // namespace caravan::cli
