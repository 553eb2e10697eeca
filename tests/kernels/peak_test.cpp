#include "kernels/peak.h"

#include <gtest/gtest.h>

#include <cmath>

namespace caravan {
namespace {

TEST(Peak, IsARateAtEveryLevelAbovePortableAndForEveryDType) {
  std::vector<IsaLevel> levels = available_levels(cpu_features());
  levels.erase(levels.begin());
  if (levels.empty()) GTEST_SKIP() << "this build or CPU has the portable level only";
  ThreadTeam team(1);
  for (const IsaLevel level : levels) {
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI8}) {
      const double rate = measured_peak_flops(level, dtype, team);
      EXPECT_GT(rate, 0.0) << name_of(level) << ' ' << name_of(dtype);
      EXPECT_TRUE(std::isfinite(rate)) << name_of(level) << ' ' << name_of(dtype);
    }
  }
}

TEST(Peak, IsNotKnownOfPortableCode) {
  ThreadTeam team(1);
  EXPECT_EQ(measured_peak_flops(IsaLevel::kPortable, DType::kF32, team), 0.0);
}

}  // namespace
}  // namespace caravan
