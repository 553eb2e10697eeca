#include "device/thread_team.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace caravan {
namespace {

TEST(ThreadTeam, RunsEveryLaneOnceInEveryCall) {
  for (const int size : {1, 2, 3, 7}) {
    ThreadTeam team(size);
    EXPECT_EQ(team.size(), size);
    std::vector<int> counts(static_cast<size_t>(size), 0);
    for (int call = 0; call < 500; ++call) {
      team.run([&](Lane lane) {
        EXPECT_EQ(lane.count, size);
        ++counts[static_cast<size_t>(lane.index)];
      });
    }
    EXPECT_EQ(counts, std::vector<int>(static_cast<size_t>(size), 500));
  }
}

TEST(ThreadTeam, ShowsEachCallWhatTheOneBeforeWrote) {
  ThreadTeam team(4);
  std::vector<int64_t> values(1000, 0);
  for (int call = 0; call < 100; ++call) {
    team.run([&](Lane lane) {
      const Range part = share_of(1000, lane);
      for (int64_t i = part.begin; i < part.end; ++i) values[static_cast<size_t>(999 - i)] += 1;
    });
    team.run([&](Lane lane) {
      const Range part = share_of(1000, lane);
      for (int64_t i = part.begin; i < part.end; ++i) values[static_cast<size_t>(i)] += 1;
    });
  }
  EXPECT_EQ(values, std::vector<int64_t>(1000, 200));
}

TEST(ThreadTeam, CanBeBoundToCpus) {
  ThreadTeam team(3, true);
  std::vector<int> counts(3, 0);
  team.run([&](Lane lane) { ++counts[static_cast<size_t>(lane.index)]; });
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0), 3);
}

TEST(ShareOf, CoversEveryItemOnce) {
  for (const int64_t items : {0, 1, 5, 16, 17, 100, 1001}) {
    for (const int64_t grain : {1, 4, 8, 64}) {
      for (const int lanes : {1, 2, 3, 7}) {
        std::vector<int> covered(static_cast<size_t>(items), 0);
        for (int lane = 0; lane < lanes; ++lane) {
          const Range part = share_of(items, {lane, lanes}, grain);
          if (part.begin < part.end) {
            EXPECT_EQ(part.begin % grain, 0);
          }
          for (int64_t i = part.begin; i < part.end; ++i) ++covered[static_cast<size_t>(i)];
        }
        EXPECT_EQ(covered, std::vector<int>(static_cast<size_t>(items), 1))
            << items << ' ' << grain << ' ' << lanes;
      }
    }
  }
}

}  // namespace
}  // namespace caravan
