#include "kv/block_table.h"

#include "base/error.h"

namespace caravan {

bool BlockTable::reserve(int64_t length, int64_t block_size, BlockPool& pool) {
  const int64_t needed = 1 + (length - 1) / block_size - static_cast<int64_t>(blocks.size());
  if (needed > pool.free()) return false;
  for (int64_t i = 0; i < needed; ++i) blocks.push_back(*pool.take());
  return true;
}

int64_t BlockTable::adopt(std::span<const int32_t> tokens, int64_t block_size, BlockPool& pool) {
  CARAVAN_CHECK(blocks.empty());
  const auto size = static_cast<size_t>(block_size);
  while ((blocks.size() + 1) * size < tokens.size()) {
    const auto hit = pool.find(last_known, tokens.subspan(blocks.size() * size, size));
    if (!hit.has_value()) break;
    blocks.push_back(hit->block);
    last_known = hit->entry;
  }
  known = static_cast<int64_t>(blocks.size());
  return known * block_size;
}

void BlockTable::remember(std::span<const int32_t> computed, int64_t block_size, BlockPool& pool) {
  const auto size = static_cast<size_t>(block_size);
  while (static_cast<size_t>(known + 1) * size <= computed.size()) {
    const auto index = static_cast<size_t>(known);
    last_known = pool.remember(blocks.at(index), last_known, computed.subspan(index * size, size));
    ++known;
  }
}

void BlockTable::clear(BlockPool& pool) {
  while (!blocks.empty()) {
    pool.release(blocks.back());
    blocks.pop_back();
  }
  known = 0;
  last_known = kPrefixRoot;
}

std::optional<ForkedTable> fork(const BlockTable& table, int64_t length, int64_t block_size,
                                BlockPool& pool) {
  const auto full = static_cast<size_t>(length / block_size);
  const bool copies = length % block_size != 0;
  CARAVAN_CHECK(table.known <= static_cast<int64_t>(full));
  if (copies && pool.free() == 0) return std::nullopt;
  ForkedTable forked;
  forked.table.known = table.known;
  forked.table.last_known = table.last_known;
  for (size_t i = 0; i < full; ++i) {
    pool.share(table.blocks.at(i));
    forked.table.blocks.push_back(table.blocks[i]);
  }
  if (copies) {
    const int32_t to = *pool.take();
    forked.copy = BlockCopy{table.blocks.at(full), to};
    forked.table.blocks.push_back(to);
  }
  return forked;
}

}  // namespace caravan
