#include "kv/cache.h"

#include <gtest/gtest.h>

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

TEST(KvCacheShape, CountsBytesBeyond32Bits) {
  // LLaMA-2-70B, 64 sequences of 4096 tokens in bf16: 320 KiB a token.
  const KvCacheShape shape = {.layers = 80, .blocks = 64, .kv_heads = 8, .block_size = 4096, .head_dim = 128};
  EXPECT_EQ(shape.bytes(DType::kBF16), uint64_t{320} * 1024 * 64 * 4096);
}

}  // namespace
}  // namespace caravan
