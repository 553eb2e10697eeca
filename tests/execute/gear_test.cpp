#include "execute/gear.h"

#include <gtest/gtest.h>

namespace caravan {
namespace {

TEST(GearSize, IsTheNextOfAFewSizes) {
  std::vector<int64_t> sizes;
  for (int64_t sequences = 1; sequences <= 100; ++sequences) {
    const int64_t size = gear_size(sequences, 1000);
    EXPECT_GE(size, sequences);
    if (sizes.empty() || sizes.back() != size) sizes.push_back(size);
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 112}));
}

TEST(GearSize, EndsAtTheMostSequences) {
  EXPECT_EQ(gear_size(9, 10), 10);
  EXPECT_EQ(gear_size(65, 70), 70);
}

/// A step of two sequences that decode.
struct TwoSequences {
  std::vector<int32_t> ids = {7, 9};
  std::vector<int32_t> positions = {4, 20};
  std::vector<int32_t> sequences = {0, 1};
  std::vector<int32_t> table = {3, 0, 5, 6};
  std::vector<float> frequencies = {1.0F, 0.5F};
  std::vector<int32_t> rows = {0, 1};

  [[nodiscard]] StepTensors tensors() const {
    StepTensors step;
    const auto set = [&step](InputKind kind, const auto& values, DType dtype, const Shape& shape) {
      step.inputs.at(static_cast<size_t>(kind)) = ConstTensorView(values.data(), dtype, shape);
    };
    const auto tokens = static_cast<int64_t>(ids.size());
    set(InputKind::kTokenIds, ids, DType::kI32, {tokens});
    set(InputKind::kPositions, positions, DType::kI32, {tokens});
    set(InputKind::kSequences, sequences, DType::kI32, {tokens});
    set(InputKind::kBlockTable, table, DType::kI32, {2, 2});
    set(InputKind::kRopeFrequencies, frequencies, DType::kF32, {2, 1});
    set(InputKind::kLogitRows, rows, DType::kI32, {static_cast<int64_t>(rows.size())});
    return step;
  }
};

TEST(DecodesEverySequence, WantsOneTokenAndOneRowOfLogitsOfEach) {
  TwoSequences step;
  EXPECT_TRUE(decodes_every_sequence(step.tensors()));
  step.sequences = {1, 0};
  EXPECT_FALSE(decodes_every_sequence(step.tensors()));
  step.sequences = {0, -1};
  EXPECT_FALSE(decodes_every_sequence(step.tensors()));
  step.sequences = {0, 1};
  step.rows = {1};
  EXPECT_FALSE(decodes_every_sequence(step.tensors()));
  step.rows = {0, 1};
  step.ids = {7, 9, 1};
  step.positions = {4, 20, 21};
  step.sequences = {0, 1, 1};
  EXPECT_FALSE(decodes_every_sequence(step.tensors()));
}

TEST(GearInputs, PadWhatAStepDoesNotFillAndKeepTheirPlaces) {
  GearInputs inputs(3, 4, 1);
  const void* const before = inputs.views().front().data;
  const TwoSequences step;
  inputs.fill(step.tensors().inputs);
  const StepInputs views = inputs.views();
  EXPECT_EQ(views.front().data, before);
  const auto values = [&views](InputKind kind) {
    const ConstTensorView& view = views.at(static_cast<size_t>(kind));
    return std::vector<int32_t>(view.as<int32_t>(), view.as<int32_t>() + view.shape.elements());
  };
  EXPECT_EQ(values(InputKind::kTokenIds), (std::vector<int32_t>{7, 9, -1}));
  EXPECT_EQ(values(InputKind::kSequences), (std::vector<int32_t>{0, 1, -1}));
  EXPECT_EQ(values(InputKind::kPositions), (std::vector<int32_t>{4, 20, 0}));
  EXPECT_EQ(values(InputKind::kBlockTable), (std::vector<int32_t>{3, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(values(InputKind::kLogitRows), (std::vector<int32_t>{0, 1, 2}));
}

}  // namespace
}  // namespace caravan
