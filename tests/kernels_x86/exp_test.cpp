// The vectorised exponential, whose stated error the softmax and SwiGLU rely on.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/common/raw.h"
#include "kernels/select.h"

namespace caravan {
namespace {

void check_exp(void (*exp_all)(const float*, float*, cpu::Index)) {
  std::vector<float> inputs;
  for (double x = -87.33; x <= 88.0; x += 0.0007) inputs.push_back(static_cast<float>(x));
  std::vector<float> results(inputs.size());
  exp_all(inputs.data(), results.data(), static_cast<cpu::Index>(inputs.size()));
  double worst = 0.0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const double expected = std::exp(static_cast<double>(inputs[i]));
    worst = std::max(worst, std::abs(static_cast<double>(results[i]) / expected - 1.0));
  }
  EXPECT_LE(worst, 0x1p-22);

  const float edges[] = {-std::numeric_limits<float>::infinity(), -1000.0F, -88.0F, 0.0F,
                         std::numeric_limits<float>::quiet_NaN()};
  float values[5] = {};
  exp_all(edges, values, 5);
  EXPECT_EQ(values[0], 0.0F);
  EXPECT_EQ(values[1], 0.0F);
  EXPECT_EQ(values[2], 0.0F);
  EXPECT_EQ(values[3], 1.0F);
  EXPECT_TRUE(std::isnan(values[4])) << values[4];
}

TEST(Exp, IsWithinItsStatedErrorAtEveryLevel) {
  const std::vector<IsaLevel> levels = available_levels(cpu_features());
  if (levels.size() == 1) GTEST_SKIP() << "this CPU has the portable level only";
  for (const IsaLevel level : levels) {
    if (level == IsaLevel::kAvx2) check_exp(cpu::kAvx2Kernels.exp_f32);
    if (level == IsaLevel::kAvx512) check_exp(cpu::kAvx512Kernels.exp_f32);
    if (level == IsaLevel::kAvx512Bf16Vnni) check_exp(cpu::kAvx512Bf16VnniKernels.exp_f32);
    if (level == IsaLevel::kAmx) check_exp(cpu::kAmxKernels.exp_f32);
  }
}

}  // namespace
}  // namespace caravan
