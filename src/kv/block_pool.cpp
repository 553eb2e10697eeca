#include "kv/block_pool.h"

#include "base/error.h"

namespace caravan {

BlockPool::BlockPool(int32_t blocks)
    : holders_(static_cast<size_t>(blocks), 0), idle_at_(static_cast<size_t>(blocks)), index_(blocks) {
  CARAVAN_CHECK(blocks >= 0);
  empty_.reserve(holders_.size());
  for (int32_t block = blocks - 1; block >= 0; --block) empty_.push_back(block);
}

std::optional<int32_t> BlockPool::take() {
  int32_t block = 0;
  if (!empty_.empty()) {
    block = empty_.back();
    empty_.pop_back();
  } else if (!idle_.empty()) {
    block = idle_.front();
    idle_.pop_front();
    index_.forget(block);
  } else {
    return std::nullopt;
  }
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
  if (--holders > 0) return;
  if (index_.has(block)) {
    idle_at_[static_cast<size_t>(block)] = idle_.insert(idle_.end(), block);
  } else {
    empty_.push_back(block);
  }
}

std::optional<PrefixHit> BlockPool::find(PrefixEntry parent, std::span<const int32_t> tokens) {
  const std::optional<PrefixHit> hit = index_.find(parent, tokens);
  if (!hit.has_value()) return std::nullopt;
  int32_t& holders = holders_.at(static_cast<size_t>(hit->block));
  if (holders++ == 0) idle_.erase(idle_at_[static_cast<size_t>(hit->block)]);
  return hit;
}

PrefixEntry BlockPool::remember(int32_t block, PrefixEntry parent, std::span<const int32_t> tokens) {
  CARAVAN_CHECK(holders_.at(static_cast<size_t>(block)) > 0);
  return index_.add(block, parent, tokens);
}

}  // namespace caravan
