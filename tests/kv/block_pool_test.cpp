#include "kv/block_pool.h"

#include <gtest/gtest.h>

#include <set>

namespace caravan {
namespace {

TEST(BlockPool, GivesEachBlockOnceUntilNoneIsLeft) {
  BlockPool pool(3);
  std::set<int32_t> taken;
  for (int i = 0; i < 3; ++i) taken.insert(pool.take().value());
  EXPECT_EQ(taken, (std::set<int32_t>{0, 1, 2}));
  EXPECT_EQ(pool.free(), 0);
  EXPECT_FALSE(pool.take().has_value());
}

TEST(BlockPool, FreesASharedBlockWithItsLastHolder) {
  BlockPool pool(1);
  const int32_t block = pool.take().value();
  pool.share(block);
  pool.release(block);
  EXPECT_EQ(pool.free(), 0);
  pool.release(block);
  EXPECT_EQ(pool.free(), 1);
  EXPECT_EQ(pool.take(), block);
}

TEST(BlockPoolDeathTest, AbortsOnABlockThatNobodyHolds) {
  BlockPool pool(2);
  EXPECT_DEATH(pool.release(0), "bug");
  EXPECT_DEATH(pool.share(1), "bug");
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

}  // namespace
}  // namespace caravan
