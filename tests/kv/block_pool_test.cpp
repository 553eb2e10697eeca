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

constexpr int32_t kTokens[] = {1, 2, 3, 4};
constexpr int32_t kOthers[] = {1, 2, 3, 5};

TEST(BlockPool, FindsWhatABlockHoldsAfterItsLastHolderHasGone) {
  BlockPool pool(2);
  const int32_t block = pool.take().value();
  const PrefixEntry entry = pool.remember(block, kPrefixRoot, kTokens);
  pool.release(block);
  EXPECT_EQ(pool.free(), 2);
  EXPECT_EQ(pool.idle(), 1);
  const auto hit = pool.find(kPrefixRoot, kTokens);
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->block, block);
  EXPECT_EQ(hit->entry, entry);
  EXPECT_EQ(pool.free(), 1);
}

TEST(BlockPool, TellsContentsAndParentsApart) {
  BlockPool pool(2);
  const PrefixEntry entry = pool.remember(pool.take().value(), kPrefixRoot, kTokens);
  EXPECT_FALSE(pool.find(kPrefixRoot, kOthers).has_value());
  EXPECT_FALSE(pool.find(entry, kTokens).has_value());
}

TEST(BlockPool, KeepsTheFirstOfTwoBlocksWithOneContent) {
  BlockPool pool(2);
  const int32_t first = pool.take().value();
  const int32_t second = pool.take().value();
  const PrefixEntry entry = pool.remember(first, kPrefixRoot, kTokens);
  EXPECT_EQ(pool.remember(second, kPrefixRoot, kTokens), entry);
  pool.release(second);
  EXPECT_EQ(pool.idle(), 0);
  EXPECT_EQ(pool.find(kPrefixRoot, kTokens)->block, first);
}

TEST(BlockPool, TakesEmptyBlocksFirstThenTheIdleReleasedLongestAgo) {
  BlockPool pool(3);
  const int32_t a = pool.take().value();
  const int32_t b = pool.take().value();
  pool.remember(a, kPrefixRoot, kTokens);
  pool.remember(b, kPrefixRoot, kOthers);
  pool.release(b);
  pool.release(a);
  EXPECT_EQ(pool.take(), 2);
  EXPECT_EQ(pool.take(), b);
  EXPECT_FALSE(pool.find(kPrefixRoot, kOthers).has_value());
  EXPECT_TRUE(pool.find(kPrefixRoot, kTokens).has_value());
}

}  // namespace
}  // namespace caravan
