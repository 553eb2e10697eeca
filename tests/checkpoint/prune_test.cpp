#include "checkpoint/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace caravan {
namespace {

using testing::ElementsAre;

std::vector<int> marks_of(const std::vector<float>& scores, Sparsity sparsity) {
  std::vector<uint8_t> marks(scores.size());
  mark_least(scores, sparsity, marks.data());
  return {marks.begin(), marks.end()};
}

TEST(MarkLeast, TakesTheEarlierOfEqualOnes) {
  EXPECT_THAT(marks_of({1, 1, 1, 1}, Sparsity::kHalf), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(marks_of({2, 1, 1, 0, 1, 3}, Sparsity::kHalf), ElementsAre(0, 1, 1, 1, 0, 0));
  EXPECT_THAT(marks_of({5, 5, 5, 5, 1, 0, 2, 1}, Sparsity::kTwoOf4), ElementsAre(1, 1, 0, 0, 1, 1, 0, 0));
}

TEST(MarkLeast, LeavesWhatIsNoWholeHalfOrFour) {
  EXPECT_THAT(marks_of({3}, Sparsity::kHalf), ElementsAre(0));
  EXPECT_THAT(marks_of({}, Sparsity::kHalf), ElementsAre());
  EXPECT_THAT(marks_of({3, 2, 1}, Sparsity::kHalf), ElementsAre(0, 0, 1));
  EXPECT_THAT(marks_of({3, 2, 1, 0, 0, 0, 0}, Sparsity::kTwoOf4), ElementsAre(0, 0, 1, 1, 0, 0, 0));
  EXPECT_THAT(marks_of({3, 2, 1, 0}, Sparsity::kNone), ElementsAre(0, 0, 0, 0));
}

TEST(KeptInputs, IsHowManyAreNotMarked) {
  for (const Sparsity sparsity : {Sparsity::kNone, Sparsity::kHalf, Sparsity::kTwoOf4}) {
    for (int64_t in = 1; in < 20; ++in) {
      const std::vector<int> marks = marks_of(std::vector<float>(static_cast<size_t>(in), 1.0F), sparsity);
      EXPECT_EQ(kept_inputs(in, sparsity), std::count(marks.begin(), marks.end(), 0)) << in;
    }
  }
}

TEST(Prune, GoesByMagnitude) {
  std::vector<float> row = {-4.0F, 1.0F, -2.0F, 3.0F};
  prune(row, Sparsity::kHalf);
  EXPECT_THAT(row, ElementsAre(-4.0F, 0.0F, 0.0F, 3.0F));
}

TEST(SparsityFromName, KnowsBoth) {
  EXPECT_EQ(sparsity_from_name("0.5"), Sparsity::kHalf);
  EXPECT_EQ(sparsity_from_name("2:4"), Sparsity::kTwoOf4);
  EXPECT_EQ(sparsity_from_name("0.7"), Sparsity::kNone);
}

}  // namespace
}  // namespace caravan
