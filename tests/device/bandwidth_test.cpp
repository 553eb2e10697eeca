#include "device/bandwidth.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/machine.h"

namespace caravan {
namespace {

TEST(BytesToRead, IsTheWorkingSetWhereThatIsSmall) {
  EXPECT_EQ(bytes_to_read(1), 1U);
  EXPECT_EQ(bytes_to_read(4096), 4096U);
}

TEST(BytesToRead, IsBoundedByMemoryAndCache) {
  const uint64_t most = bytes_to_read(std::numeric_limits<uint64_t>::max());
  EXPECT_GT(most, 0U);
  EXPECT_LE(most, machine_memory().total_bytes / 4);
  EXPECT_LE(most, 8 * last_level_cache_bytes());
  EXPECT_EQ(bytes_to_read(most), most);
  EXPECT_EQ(bytes_to_read(most + 1), most);
}

TEST(ReadBandwidth, IsARateWhateverTheTeamAndTheSize) {
  for (const int threads : {1, 3}) {
    ThreadTeam team(threads);
    // Less than a line, no multiple of a line, and more than a core's cache.
    for (const uint64_t bytes : {uint64_t{1}, uint64_t{100'001}, uint64_t{4} << 20U}) {
      const double rate = measured_read_bandwidth(team, bytes);
      EXPECT_GT(rate, 0.0) << threads << ' ' << bytes;
      EXPECT_TRUE(std::isfinite(rate)) << threads << ' ' << bytes;
    }
  }
}

}  // namespace
}  // namespace caravan
