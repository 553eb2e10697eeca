#include "quantize/sparsity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "quantize/made.h"

namespace caravan {
namespace {

using testing::ElementsAre;

const float kRow[8] = {0.1F, -4.0F, 3.0F, 0.2F, -0.3F, 0.5F, 0.4F, 0.6F};

ConstTensorView row() { return {kRow, DType::kF32, {1, 8}}; }

TEST(Sparsity, TakesTheSmallestMagnitudesOfEachOutput) {
  EXPECT_THAT(least_important(row(), {}, Sparsity::kHalf), ElementsAre(1, 0, 0, 1, 1, 0, 1, 0));
}

TEST(Sparsity, TakesTwoOfEveryFour) {
  EXPECT_THAT(least_important(row(), {}, Sparsity::kTwoOf4), ElementsAre(1, 0, 0, 1, 1, 0, 1, 0));
  const float heavy[8] = {9.0F, 8.0F, 7.0F, 6.0F, 0.1F, 0.2F, 0.3F, 0.4F};
  EXPECT_THAT(least_important({heavy, DType::kF32, {1, 8}}, {}, Sparsity::kTwoOf4),
              ElementsAre(0, 0, 1, 1, 1, 1, 0, 0));
}

TEST(Sparsity, WeighsWithTheInputsNormsAsWandaDoes) {
  // |w| * norm: 10, 4, 0.03, 0.2, 0.3, 0.5, 0.4, 0.006.
  const std::vector<float> norms = {100.0F, 1.0F, 0.01F, 1.0F, 1.0F, 1.0F, 1.0F, 0.01F};
  EXPECT_THAT(least_important(row(), norms, Sparsity::kHalf), ElementsAre(0, 0, 1, 1, 1, 0, 0, 1));
}

TEST(Sparsity, TakesExactlyHalfOfEveryRow) {
  const Tensor matrix = test::normal_matrix(13, 67, 1);
  const std::vector<uint8_t> marks = least_important(matrix.view(), {}, Sparsity::kHalf);
  for (size_t r = 0; r < 13; ++r) {
    const auto begin = marks.begin() + static_cast<std::ptrdiff_t>(r * 67);
    EXPECT_EQ(std::accumulate(begin, begin + 67, 0), 33);
  }
}

}  // namespace
}  // namespace caravan
