// add_rms_norm at every level: the bits of add and rms_norm one after the other, and close to the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/op_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::random_tensor;
using test::run_lanes;
using test::values_of;

constexpr float kEpsilon = 1e-5F;

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.view().bytes() == b.view().bytes() &&
         std::memcmp(a.view().data, b.view().data, a.view().bytes()) == 0;
}

Tensor copy_of(const Tensor& tensor) {
  Tensor copy(tensor.dtype(), tensor.shape());
  std::memcpy(copy.view().data, tensor.view().data, tensor.view().bytes());
  return copy;
}

struct Sizes {
  int64_t tokens;
  int64_t hidden;
};

class AddRmsNorm : public testing::TestWithParam<Sizes> {
 protected:
  AddRmsNorm() : random_(17), shape_{GetParam().tokens, GetParam().hidden} {
    x_ = random_tensor(DType::kF32, shape_, random_, 3.0F);
    residual_ = random_tensor(DType::kF32, shape_, random_, 20.0F);
    weight_ = random_tensor(DType::kF32, {GetParam().hidden}, random_);
  }

  [[nodiscard]] AddRmsNormArgs args(const Tensor& sum, const Tensor& y) const {
    return {x_.view(), residual_.view(), weight_.view(), kEpsilon, sum.view(), y.view()};
  }

  std::mt19937 random_;
  Shape shape_;
  Tensor x_;
  Tensor residual_;
  Tensor weight_;
};

TEST_P(AddRmsNorm, GivesTheBitsOfAddAndRmsNormAtEveryLevel) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    for (const DType dtype : {DType::kF32, DType::kBF16}) {
      const Tensor expected_sum(DType::kF32, shape_);
      const Tensor expected(dtype, shape_);
      run_lanes(table.add, {x_.view(), residual_.view(), expected_sum.view()}, 1);
      run_lanes(table.rms_norm, {expected_sum.view(), weight_.view(), kEpsilon, expected.view()}, 1);
      for (const int lanes : {1, 2, 5}) {
        const Tensor sum(DType::kF32, shape_);
        const Tensor y(dtype, shape_);
        run_lanes(table.add_rms_norm, args(sum, y), lanes);
        EXPECT_TRUE(same_bits(sum, expected_sum)) << name_of(level) << ' ' << lanes << " lanes";
        EXPECT_TRUE(same_bits(y, expected)) << name_of(level) << ' ' << lanes << " lanes";
      }
    }
  }
}

TEST_P(AddRmsNorm, IsCloseToTheReference) {
  const KernelTable reference = select_kernels(IsaLevel::kPortable);
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    for (const DType dtype : {DType::kF32, DType::kBF16}) {
      const Tensor expected_sum(DType::kF32, shape_);
      const Tensor sum(DType::kF32, shape_);
      const Tensor expected(dtype, shape_);
      const Tensor y(dtype, shape_);
      run_lanes(reference.add_rms_norm, args(expected_sum, expected), 1);
      run_lanes(table.add_rms_norm, args(sum, y), 3);
      // One fp32 addition has one result.
      EXPECT_EQ(values_of(sum), values_of(expected_sum)) << name_of(level);
      const std::vector<double> wanted = values_of(expected);
      const std::vector<double> found = values_of(y);
      for (size_t i = 0; i < wanted.size(); ++i) {
        // The mean of squares is a sum of positive terms in at least 8 lanes, whose error grows with their
        // number and is halved by the root; then a few roundings, and the result's own.
        const double terms = static_cast<double>(GetParam().hidden) / 8.0;
        const double roundoffs = (terms / 2.0 + 8.0) * unit_roundoff(DType::kF32) +
                                 (dtype == DType::kBF16 ? 2.0 * unit_roundoff(dtype) : 0.0);
        ASSERT_LE(std::abs(found[i] - wanted[i]), std::abs(wanted[i]) * roundoffs)
            << name_of(level) << ' ' << name_of(dtype) << " element " << i;
      }
    }
  }
}

TEST_P(AddRmsNorm, MayPutTheSumInThePlaceOfEitherOfWhatItAdds) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    const Tensor expected_sum(DType::kF32, shape_);
    const Tensor expected(DType::kF32, shape_);
    run_lanes(table.add_rms_norm, args(expected_sum, expected), 1);
    for (const bool over_x : {false, true}) {
      const Tensor place = copy_of(over_x ? x_ : residual_);
      const Tensor y(DType::kF32, shape_);
      AddRmsNormArgs in_place = args(place, y);
      (over_x ? in_place.x : in_place.residual) = place.view();
      run_lanes(table.add_rms_norm, in_place, 2);
      EXPECT_TRUE(same_bits(place, expected_sum)) << name_of(level);
      EXPECT_TRUE(same_bits(y, expected)) << name_of(level);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, AddRmsNorm,
                         testing::Values(Sizes{1, 1}, Sizes{3, 2}, Sizes{7, 7}, Sizes{2, 8}, Sizes{5, 13},
                                         Sizes{1, 16}, Sizes{4, 17}, Sizes{5, 31}, Sizes{3, 64}, Sizes{2, 67},
                                         Sizes{5, 130}, Sizes{13, 1031}),
                         [](const auto& test) {
                           return std::to_string(test.param.tokens) + "x" + std::to_string(test.param.hidden);
                         });

// By hand: the reference itself, which the levels are measured against.
TEST(AddRmsNormReference, NormsTheSumAndKeepsIt) {
  const float x_values[] = {1.0F, 2.0F, 5.0F, -4.0F};
  const float residual_values[] = {2.0F, 2.0F, -5.0F, 4.0F};
  const float weights[] = {1.0F, 10.0F};
  const ConstTensorView x = {x_values, DType::kF32, {2, 2}};
  const ConstTensorView residual = {residual_values, DType::kF32, {2, 2}};
  const ConstTensorView weight = {weights, DType::kF32, {2}};
  const Tensor sum(DType::kF32, {2, 2});
  const Tensor y(DType::kF32, {2, 2});
  run_lanes(select_kernels(IsaLevel::kPortable).add_rms_norm,
            {x, residual, weight, kEpsilon, sum.view(), y.view()}, 2);
  EXPECT_EQ(values_of(sum), (std::vector<double>{3.0, 4.0, 0.0, 0.0}));
  const double scale = 1.0 / std::sqrt(12.5 + 1e-5);
  const std::vector<double> found = values_of(y);
  EXPECT_NEAR(found[0], 3.0 * scale, 1e-6);
  EXPECT_NEAR(found[1], 40.0 * scale, 1e-6);
  EXPECT_EQ(found[2], 0.0);
  EXPECT_EQ(found[3], 0.0);
}

}  // namespace
}  // namespace caravan
