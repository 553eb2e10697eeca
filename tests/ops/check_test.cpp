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
  const auto add_and_norm = [&x](const Tensor& residual, const Tensor& weight_of_norm, const Tensor& sum,
                                 const Tensor& normed) {
    check(AddRmsNormArgs{x.view(), residual.view(), weight_of_norm.view(), 1e-5F, sum.view(), normed.view()});
  };
  add_and_norm(x, vector, x, x);
  EXPECT_DEATH(add_and_norm(y, vector, x, x), "residual, found");
  EXPECT_DEATH(add_and_norm(x, y, x, x), "weight, found");
  EXPECT_DEATH(add_and_norm(x, vector, y, x), "sum, found");
  EXPECT_DEATH(add_and_norm(x, vector, x, y), "y, found");
  EXPECT_DEATH(check(AddArgs{x.view(), y.view(), x.view()}), "b, found");
  EXPECT_DEATH(check(SiluMulArgs{x.view(), x.view(), y.view()}), "y, found");
  EXPECT_DEATH(check(RopeArgs{x.view(), narrow.view(), x.view()}), "bug");
  EXPECT_DEATH(check(TakeRowsArgs{x.view(), vector.view(), y.view()}), "rows");
  EXPECT_DEATH(check(EmbeddingArgs{vector.view(), weight.view(), y.view()}), "ids");
}

/// Tensors of an attention over two tokens: 4 query heads of 8 elements, 2 KV heads, 3 blocks of 16 slots.
struct CacheTensors {
  Tensor q{DType::kF32, {2, 32}};
  Tensor k{DType::kF32, {2, 16}};
  Tensor cache{DType::kF16, {3, 2, 16, 8}};
  Tensor index{DType::kI32, {2}};
  Tensor blocks{DType::kI32, {1, 3}};
  [[nodiscard]] TokenPlaces places() const { return {index.view(), index.view(), blocks.view()}; }
};

TEST(CheckAttention, AcceptsWhatItsContractSays) {
  const CacheTensors t;
  check(KvWriteArgs{t.k.view(), t.k.view(), t.places(), t.cache.view(), t.cache.view()});
  check(AttentionArgs{t.q.view(), t.places(), t.cache.view(), t.cache.view(), 1.0F, 0, t.q.view()});
}

TEST(CheckDeathTest, AbortsOnWrongCachesAndPlaces) {
  const CacheTensors t;
  const Tensor bf16_cache(DType::kBF16, t.cache.shape());
  const Tensor short_cache(DType::kF16, {3, 2, 15, 8});
  const Tensor three(DType::kI32, {3});
  EXPECT_DEATH(check(KvWriteArgs{t.k.view(), t.q.view(), t.places(), t.cache.view(), t.cache.view()}),
               "v, found");
  EXPECT_DEATH(check(KvWriteArgs{t.k.view(), t.k.view(), t.places(), t.cache.view(), bf16_cache.view()}),
               "v_cache");
  const auto attend = [&t](const TokenPlaces& places, const Tensor& v_cache, int64_t window,
                           const Tensor& y) {
    check(AttentionArgs{t.q.view(), places, t.cache.view(), v_cache.view(), 1.0F, window, y.view()});
  };
  EXPECT_DEATH(attend({three.view(), t.index.view(), t.blocks.view()}, t.cache, 0, t.q), "positions");
  EXPECT_DEATH(attend({t.index.view(), three.view(), t.blocks.view()}, t.cache, 0, t.q), "sequences");
  EXPECT_DEATH(attend({t.index.view(), t.index.view(), three.view()}, t.cache, 0, t.q), "bug");
  EXPECT_DEATH(attend(t.places(), short_cache, 0, t.q), "v_cache");
  EXPECT_DEATH(attend(t.places(), t.cache, -1, t.q), "window");
  EXPECT_DEATH(attend(t.places(), t.cache, 0, t.k), "y, found");
  AttentionArgs args = {t.q.view(), t.places(), t.cache.view(), t.cache.view(), 1.0F, 0, t.q.view()};
  args.scratch = t.index.view();
  EXPECT_DEATH(check(args), "scratch, found");
}

TEST(CheckDeathTest, AbortsOnWrongInt8CachesAndScales) {
  const CacheTensors t;
  const Tensor cache(DType::kI8, {3, 2, 16, 12});
  const Tensor short_blocks(DType::kI8, {3, 2, 8, 12});
  const Tensor without_scales(DType::kI8, {3, 2, 16, 8});
  const Tensor one(DType::kF32, {1});
  const Tensor each(DType::kF32, {2});
  const Tensor three(DType::kF32, {3});
  const auto write = [&t](const Tensor& to, const CacheScales& scales) {
    check(KvWriteArgs{t.k.view(), t.k.view(), t.places(), to.view(), to.view(), scales});
  };
  write(cache, {});
  write(cache, {one.view(), each.view()});
  check(AttentionArgs{t.q.view(), t.places(), cache.view(), cache.view(), 1.0F, 0, t.q.view()});
  EXPECT_DEATH(write(short_blocks, {}), "block_size");
  EXPECT_DEATH(write(without_scales, {}), "k, found");
  EXPECT_DEATH(write(cache, {three.view(), {}}), "scales, found");
  EXPECT_DEATH(write(t.cache, {one.view(), one.view()}), "has_scales");
}

TEST(CheckDeathTest, AbortsOnWrongAngles) {
  const Tensor index(DType::kI32, {2});
  const Tensor frequencies(DType::kF32, {1, 4});
  const Tensor angles(DType::kF32, {2, 8});
  check(RopeAnglesArgs{index.view(), index.view(), frequencies.view(), 1.0F, angles.view()});
  EXPECT_DEATH(
      check(RopeAnglesArgs{index.view(), index.view(), frequencies.view(), 1.0F, frequencies.view()}),
      "angles");
  EXPECT_DEATH(
      check(RopeAnglesArgs{frequencies.view(), index.view(), frequencies.view(), 1.0F, angles.view()}),
      "bug");
}

}  // namespace
}  // namespace caravan
