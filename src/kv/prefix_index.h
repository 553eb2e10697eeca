// Which blocks hold which tokens: full blocks by their own tokens and everything before them.
//
// A tree: an entry stands for a block's tokens after those of its parent entry. Tokens are compared, not only
// hashes, so that two prompts can never be taken for one another. Invariants: a block has at most one entry,
// an entry exactly one block; numbers of entries are never used twice. Thread safety: one thread, the
// engine's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace caravan {

using PrefixEntry = uint64_t;

/// The parent of a sequence's first block.
constexpr PrefixEntry kPrefixRoot = 0;

struct PrefixHit {
  int32_t block = 0;
  PrefixEntry entry = kPrefixRoot;
};

class PrefixIndex {
 public:
  explicit PrefixIndex(int32_t blocks) : keys_(static_cast<size_t>(blocks), nullptr) {}

  [[nodiscard]] std::optional<PrefixHit> find(PrefixEntry parent, std::span<const int32_t> tokens) const;
  /// `block` holds `tokens` after `parent`, now or as known before. Where another block is known to hold the
  /// same, that one stays, and its entry is returned.
  PrefixEntry add(int32_t block, PrefixEntry parent, std::span<const int32_t> tokens);
  [[nodiscard]] bool has(int32_t block) const { return keys_.at(static_cast<size_t>(block)) != nullptr; }
  /// The block's memory will be used for something else.
  void forget(int32_t block);
  [[nodiscard]] size_t size() const { return entries_.size(); }

 private:
  struct Key {
    PrefixEntry parent = kPrefixRoot;
    std::vector<int32_t> tokens;
    bool operator==(const Key& other) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };

  std::unordered_map<Key, PrefixHit, KeyHash> entries_;
  std::vector<const Key*> keys_;  ///< by block; into entries_, whose nodes do not move
  PrefixEntry last_ = kPrefixRoot;
};

}  // namespace caravan
