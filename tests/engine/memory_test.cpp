#include "engine/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace caravan {
namespace {

using testing::HasSubstr;

ModelConfig small_config() {
  ModelConfig config;
  config.num_layers = 3;
  config.num_kv_heads = 2;
  config.head_dim = 8;
  return config;
}

EngineOptions options_for(int64_t sequences, int64_t length) {
  EngineOptions options;
  options.max_sequences = sequences;
  options.max_sequence_length = length;
  return options;
}

TEST(KvCacheShape, HasABlockForEachSequenceOrManyOfSixteenSlots) {
  EngineOptions options = options_for(5, 40);
  const KvCacheShape contiguous = kv_cache_shape(small_config(), options);
  EXPECT_EQ(contiguous.blocks, 5);
  EXPECT_EQ(contiguous.block_size, 48);
  options.kv_cache = KvCacheKind::kPaged;
  const KvCacheShape paged = kv_cache_shape(small_config(), options);
  EXPECT_EQ(paged.blocks, 15);
  EXPECT_EQ(paged.block_size, 16);
  // K and V of 3 layers, 2 heads of 8, 240 slots, 2 bytes each.
  EXPECT_EQ(paged.bytes(DType::kBF16), 2U * 3 * 2 * 8 * 240 * 2);
}

TEST(RequireFreeMemory, RefusesWhatDoesNotFitWithTheArithmetic) {
  const ModelConfig config = small_config();
  require_free_memory("model", config, options_for(1, 16), 1000, {});
  const uint64_t far_too_much = uint64_t{1} << 60U;
  const std::string weights =
      test::error_of([&] { require_free_memory("model", config, options_for(1, 16), far_too_much, {}); });
  EXPECT_THAT(weights, HasSubstr("model: the weights take 1.15292e+09 GB in fp32"));
  const std::string cache = test::error_of([&] {
    require_free_memory("model", config, options_for(1'000'000, 10'000'000), 0, {DType::kBF16, DType::kI8});
  });
  // K and V of 3 layers, 2 heads, 8 bytes and a scale.
  EXPECT_THAT(cache, HasSubstr("a KV cache of 1000000 sequences of 10000000 tokens 1.44e+06 GB in int8"));
}

}  // namespace
}  // namespace caravan
