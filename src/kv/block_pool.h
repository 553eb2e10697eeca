// The accounting of a KV cache: which blocks are free, how many sequences hold each of the others, and what
// the blocks that nobody holds any more still contain.
//
// Invariants: a block is empty (free, its content forgotten), idle (free, its content known) or held by at
// least one; the same block is never given out twice while held. Empty blocks are taken first, then the idle
// one that was released longest ago. Thread safety: one thread, the engine's.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <vector>

#include "kv/prefix_index.h"

namespace caravan {

class BlockPool {
 public:
  explicit BlockPool(int32_t blocks);

  /// A free block, now held once, its content unknown; nothing if none is free.
  std::optional<int32_t> take();
  /// One more holder of a block that is held.
  void share(int32_t block);
  /// One holder less; the block is free when none is left.
  void release(int32_t block);

  /// The block that holds `tokens` after `parent`, now held once more.
  std::optional<PrefixHit> find(PrefixEntry parent, std::span<const int32_t> tokens);
  /// Makes a full, held block known; see PrefixIndex::add.
  PrefixEntry remember(int32_t block, PrefixEntry parent, std::span<const int32_t> tokens);

  [[nodiscard]] int32_t total() const { return static_cast<int32_t>(holders_.size()); }
  /// Those that take() can give: empty and idle ones.
  [[nodiscard]] int32_t free() const { return static_cast<int32_t>(empty_.size() + idle_.size()); }
  [[nodiscard]] int32_t idle() const { return static_cast<int32_t>(idle_.size()); }

 private:
  std::vector<int32_t> holders_;                       ///< [blocks]
  std::vector<int32_t> empty_;                         ///< a stack: the last released is warm in the caches
  std::list<int32_t> idle_;                            ///< released longest ago first
  std::vector<std::list<int32_t>::iterator> idle_at_;  ///< [blocks]; of idle blocks
  PrefixIndex index_;
};

}  // namespace caravan
