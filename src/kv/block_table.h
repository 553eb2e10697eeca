// The blocks of one sequence, in order of position, and how much of them the pool knows by content.
//
// Invariants: block i holds positions i * block_size …; a block that another table shares is full and is
// never written again. Thread safety: one thread, the engine's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kv/block_pool.h"

namespace caravan {

struct BlockTable {
  std::vector<int32_t> blocks;
  int64_t known = 0;                     ///< how many of them, from the first on, the pool has by content
  PrefixEntry last_known = kPrefixRoot;  ///< the entry of the last of these

  /// Takes blocks from `pool` until positions 0 .. length - 1 have one. Returns false, leaving the table as
  /// it was, if the pool has too few.
  bool reserve(int64_t length, int64_t block_size, BlockPool& pool);
  /// Into an empty table: the blocks that hold the beginning of `tokens`, as far as the pool knows them, but
  /// never the last token. Returns how many tokens they hold.
  int64_t adopt(std::span<const int32_t> tokens, int64_t block_size, BlockPool& pool);
  /// Makes the blocks that `computed`, the tokens whose keys and values are in the cache, have filled known.
  void remember(std::span<const int32_t> computed, int64_t block_size, BlockPool& pool);
  /// Gives every block back, the last first, so that beginnings stay known for longest.
  void clear(BlockPool& pool);
};

/// A copy that one block's content must make before the step: all slots of all layers.
struct BlockCopy {
  int32_t from = 0;
  int32_t to = 0;
};

struct ForkedTable {
  BlockTable table;
  std::optional<BlockCopy> copy;  ///< of the block that is not full yet
};

/// A second table for the first `length` positions of `table`: full blocks are shared, the last, if it is not
/// full, is copied. Nothing if the pool has no block for the copy.
std::optional<ForkedTable> fork(const BlockTable& table, int64_t length, int64_t block_size, BlockPool& pool);

}  // namespace caravan
