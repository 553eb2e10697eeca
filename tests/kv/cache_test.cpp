#include "kv/cache.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace caravan {
namespace {

TEST(KvCache, HasKeysAndValuesOfEachLayer) {
  const KvCacheShape shape = {.layers = 3, .blocks = 5, .kv_heads = 2, .block_size = 16, .head_dim = 8};
  const KvCache cache(shape, DType::kBF16);
  ASSERT_EQ(cache.views().size(), 6U);
  uint64_t bytes = 0;
  for (const TensorView& view : cache.views()) {
    EXPECT_EQ(view.shape, (Shape{5, 2, 16, 8}));
    EXPECT_EQ(view.dtype, DType::kBF16);
    bytes += view.bytes();
  }
  EXPECT_EQ(bytes, shape.bytes(DType::kBF16));
}

TEST(KvCache, CopiesABlockWithItsScales) {
  const KvCacheShape shape = {.layers = 2, .blocks = 3, .kv_heads = 2, .block_size = 16, .head_dim = 8};
  KvCache cache(shape, DType::kI8);
  EXPECT_EQ(cache.views().front().shape, (Shape{3, 2, 16, 12}));
  for (const TensorView& view : cache.views()) {
    for (int64_t i = 0; i < view.shape.elements(); ++i) view.as<int8_t>()[i] = static_cast<int8_t>(i % 101);
  }
  cache.copy_block(2, 0);
  for (const TensorView& view : cache.views()) {
    const KvLayout layout = kv_layout_of(view);
    const int8_t* bytes = view.as<int8_t>();
    EXPECT_TRUE(std::equal(bytes, bytes + layout.block_stride(), bytes + 2 * layout.block_stride()));
    EXPECT_FALSE(std::equal(bytes, bytes + layout.block_stride(), bytes + layout.block_stride()));
    EXPECT_LE(layout.row_offset(2, 1, 15) + layout.head_dim, view.shape.elements());
    EXPECT_LE(layout.scale_offset(0, 1, 15) + 4, layout.row_offset(0, 1, 0));
  }
}

TEST(KvCacheShape, TakesInInt8LittleMoreThanHalfOfBf16) {
  // LLaMA-2-7B, 4 sequences of 2048 tokens.
  const KvCacheShape shape = {.layers = 32, .blocks = 4, .kv_heads = 32, .block_size = 2048, .head_dim = 128};
  const auto share =
      static_cast<double>(shape.bytes(DType::kI8)) / static_cast<double>(shape.bytes(DType::kBF16));
  EXPECT_LE(share, 0.53);
  EXPECT_EQ(shape.bytes(DType::kI8), uint64_t{2} * 32 * 4 * 2048 * 32 * (128 + 4));
  EXPECT_EQ(KvCache({.layers = 1, .blocks = 4, .kv_heads = 32, .block_size = 16, .head_dim = 128}, DType::kI8)
                .views()
                .front()
                .bytes(),
            4U * 32 * 16 * 132);
}

TEST(KvCacheShape, CountsBytesBeyond32Bits) {
  // LLaMA-2-70B, 64 sequences of 4096 tokens in bf16: 320 KiB a token.
  const KvCacheShape shape = {.layers = 80, .blocks = 64, .kv_heads = 8, .block_size = 4096, .head_dim = 128};
  EXPECT_EQ(shape.bytes(DType::kBF16), uint64_t{320} * 1024 * 64 * 4096);
}

}  // namespace
}  // namespace caravan
