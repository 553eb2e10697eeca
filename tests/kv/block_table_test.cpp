#include "kv/block_table.h"

#include <gtest/gtest.h>

#include <numeric>

namespace caravan {
namespace {

constexpr int64_t kBlock = 4;

std::vector<int32_t> counting(size_t count) {
  std::vector<int32_t> tokens(count);
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

TEST(BlockTable, TakesOneBlockForEachBeginnedSpan) {
  BlockPool pool(10);
  BlockTable table;
  ASSERT_TRUE(table.reserve(1, 16, pool));
  EXPECT_EQ(table.blocks.size(), 1U);
  ASSERT_TRUE(table.reserve(16, 16, pool));
  EXPECT_EQ(table.blocks.size(), 1U);
  ASSERT_TRUE(table.reserve(17, 16, pool));
  EXPECT_EQ(table.blocks.size(), 2U);
  EXPECT_EQ(pool.free(), 8);
}

TEST(BlockTable, TakesNothingWhenThePoolHasTooFew) {
  BlockPool pool(2);
  BlockTable table;
  EXPECT_FALSE(table.reserve(33, 16, pool));
  EXPECT_TRUE(table.blocks.empty());
  EXPECT_EQ(pool.free(), 2);
}

TEST(BlockTable, GivesEverythingBack) {
  BlockPool pool(4);
  BlockTable table;
  ASSERT_TRUE(table.reserve(64, 16, pool));
  table.clear(pool);
  EXPECT_TRUE(table.blocks.empty());
  EXPECT_EQ(pool.free(), 4);
}

TEST(BlockTable, AdoptsFullBlocksThatAnotherHasComputed) {
  BlockPool pool(8);
  BlockTable first;
  ASSERT_TRUE(first.reserve(11, kBlock, pool));
  first.remember(counting(11), kBlock, pool);
  EXPECT_EQ(first.known, 2);
  BlockTable second;
  EXPECT_EQ(second.adopt(counting(20), kBlock, pool), 8);
  EXPECT_EQ(second.blocks, (std::vector<int32_t>{first.blocks[0], first.blocks[1]}));
}

TEST(BlockTable, NeverAdoptsTheLastToken) {
  BlockPool pool(8);
  BlockTable first;
  ASSERT_TRUE(first.reserve(8, kBlock, pool));
  first.remember(counting(8), kBlock, pool);
  BlockTable second;
  EXPECT_EQ(second.adopt(counting(8), kBlock, pool), 4);
}

TEST(BlockTable, ForgetsEndsBeforeBeginnings) {
  BlockPool pool(3);
  BlockTable table;
  ASSERT_TRUE(table.reserve(12, kBlock, pool));
  table.remember(counting(12), kBlock, pool);
  table.clear(pool);
  EXPECT_EQ(pool.idle(), 3);
  static_cast<void>(pool.take());
  BlockTable again;
  EXPECT_EQ(again.adopt(counting(13), kBlock, pool), 8);
}

TEST(ForkTable, OfFullBlocksCopiesNothing) {
  BlockPool pool(4);
  BlockTable table;
  ASSERT_TRUE(table.reserve(8, kBlock, pool));
  const auto forked = fork(table, 8, kBlock, pool);
  ASSERT_TRUE(forked.has_value());
  EXPECT_FALSE(forked->copy.has_value());
  EXPECT_EQ(forked->table.blocks, table.blocks);
}

}  // namespace
}  // namespace caravan
