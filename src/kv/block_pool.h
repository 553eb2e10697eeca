// The accounting of a KV cache: which blocks are free, and how many sequences hold each of the others.
//
// Invariants: a block is free or held by at least one; the same block is never given out twice while held.
// Thread safety: one thread, the engine's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace caravan {

class BlockPool {
 public:
  explicit BlockPool(int32_t blocks);

  /// A free block, now held once; nothing if none is free.
  std::optional<int32_t> take();
  /// One more holder of a block that is held.
  void share(int32_t block);
  /// One holder less; the block is free when none is left.
  void release(int32_t block);

  [[nodiscard]] int32_t total() const { return static_cast<int32_t>(holders_.size()); }
  [[nodiscard]] int32_t free() const { return static_cast<int32_t>(free_.size()); }

 private:
  std::vector<int32_t> holders_;  ///< [blocks]
  std::vector<int32_t> free_;     ///< a stack: the block released last is warm in the CPU's caches
};

/// The blocks of one sequence, in order of position.
struct BlockTable {
  std::vector<int32_t> blocks;

  /// Takes blocks from `pool` until positions 0 .. length - 1 have one. Returns false, leaving the table as
  /// it was, if the pool has too few.
  bool reserve(int64_t length, int64_t block_size, BlockPool& pool);
  /// Gives every block back.
  void clear(BlockPool& pool);
};

}  // namespace caravan
