#include "device/step_barrier.h"

#include <gtest/gtest.h>

#include <vector>

#include "device/thread_team.h"

namespace caravan {
namespace {

TEST(StepBarrier, LetsNoLaneGoOnBeforeAllHaveArrived) {
  for (const int lanes : {1, 2, 3, 5}) {
    for (const int spins : {0, 100}) {
      ThreadTeam team(lanes);
      StepBarrier barrier(lanes, spins);
      // Each lane writes its cell, then reads the others': plain memory, so that a race would show in tsan.
      std::vector<int> cells(static_cast<size_t>(lanes), 0);
      std::vector<int> wrong(static_cast<size_t>(lanes), 0);
      constexpr int kRounds = 300;
      team.run([&](Lane lane) {
        for (int round = 1; round <= kRounds; ++round) {
          cells[static_cast<size_t>(lane.index)] = round;
          barrier.wait();
          for (const int cell : cells) wrong[static_cast<size_t>(lane.index)] += cell != round;
          barrier.wait();
        }
      });
      EXPECT_EQ(wrong, std::vector<int>(static_cast<size_t>(lanes), 0)) << lanes << " lanes";
    }
  }
}

}  // namespace
}  // namespace caravan
