// An op's check stops a wrong shape or dtype before a kernel reads past its tensors.
#include <gtest/gtest.h>

#include "ops/kernel_table.h"
#include "tensor/buffer.h"

namespace caravan {
namespace {

TEST(CheckLinear, AcceptsWhatItsContractSays) {
  const Tensor x(DType::kF32, {2, 4});
  const Tensor weight(DType::kF16, {3, 4});
  const Tensor y(DType::kF32, {2, 3});
  check(LinearArgs{x.view(), weight.view(), {}, y.view()});
}

TEST(CheckDeathTest, AbortsOnWrongShapesAndDtypes) {
  const Tensor x(DType::kF32, {2, 4});
  const Tensor narrow(DType::kF32, {3, 5});
  const Tensor weight(DType::kF32, {3, 4});
  const Tensor half(DType::kBF16, {3, 4});
  const Tensor y(DType::kF32, {2, 3});
  const Tensor vector(DType::kF32, {4});
  EXPECT_DEATH(check(LinearArgs{x.view(), narrow.view(), {}, y.view()}), "weight");
  EXPECT_DEATH(check(LinearArgs{x.view(), half.view(), {}, y.view()}), "expected bf16");
  EXPECT_DEATH(check(LinearArgs{x.view(), weight.view(), vector.view(), y.view()}), "bias");
  EXPECT_DEATH(check(LinearArgs{x.view(), weight.view(), {}, x.view()}), "y, found");
  EXPECT_DEATH(check(RmsNormArgs{x.view(), y.view(), 1e-5F, x.view()}), "weight");
  EXPECT_DEATH(check(AddArgs{x.view(), y.view(), x.view()}), "b, found");
  EXPECT_DEATH(check(SiluMulArgs{x.view(), x.view(), y.view()}), "y, found");
  EXPECT_DEATH(check(RopeArgs{x.view(), narrow.view(), x.view()}), "bug");
  EXPECT_DEATH(check(TakeRowsArgs{x.view(), vector.view(), y.view()}), "rows");
  EXPECT_DEATH(check(EmbeddingArgs{vector.view(), weight.view(), y.view()}), "ids");
}

}  // namespace
}  // namespace caravan
