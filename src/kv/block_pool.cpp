#include "kv/block_pool.h"

#include "base/error.h"

namespace caravan {

BlockPool::BlockPool(int32_t blocks) : holders_(static_cast<size_t>(blocks), 0) {
  CARAVAN_CHECK(blocks >= 0);
  free_.reserve(holders_.size());
  for (int32_t block = blocks - 1; block >= 0; --block) free_.push_back(block);
}

std::optional<int32_t> BlockPool::take() {
  if (free_.empty()) return std::nullopt;
  const int32_t block = free_.back();
  free_.pop_back();
  holders_.at(static_cast<size_t>(block)) = 1;
  return block;
}

void BlockPool::share(int32_t block) {
  int32_t& holders = holders_.at(static_cast<size_t>(block));
  CARAVAN_CHECK(holders > 0);
  ++holders;
}

void BlockPool::release(int32_t block) {
  int32_t& holders = holders_.at(static_cast<size_t>(block));
  CARAVAN_CHECK(holders > 0);
  if (--holders == 0) free_.push_back(block);
}

bool BlockTable::reserve(int64_t length, int64_t block_size, BlockPool& pool) {
  const int64_t needed = (length + block_size - 1) / block_size - static_cast<int64_t>(blocks.size());
  if (needed > pool.free()) return false;
  for (int64_t i = 0; i < needed; ++i) blocks.push_back(*pool.take());
  return true;
}

void BlockTable::clear(BlockPool& pool) {
  for (const int32_t block : blocks) pool.release(block);
  blocks.clear();
}

}  // namespace caravan
