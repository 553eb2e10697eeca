#include "kv/prefix_index.h"

#include "base/error.h"

namespace caravan {

size_t PrefixIndex::KeyHash::operator()(const Key& key) const {
  // FNV-1a over 32-bit words; a collision costs a comparison and no more.
  uint64_t hash = 0xcbf29ce484222325U;
  const auto mix = [&hash](uint64_t word) { hash = (hash ^ word) * 0x100000001b3U; };
  mix(key.parent);
  for (const int32_t token : key.tokens) mix(static_cast<uint32_t>(token));
  return hash ^ (hash >> 32U);
}

std::optional<PrefixHit> PrefixIndex::find(PrefixEntry parent, std::span<const int32_t> tokens) const {
  const auto found = entries_.find({parent, {tokens.begin(), tokens.end()}});
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

PrefixEntry PrefixIndex::add(int32_t block, PrefixEntry parent, std::span<const int32_t> tokens) {
  Key key = {parent, {tokens.begin(), tokens.end()}};
  if (const Key* known = keys_.at(static_cast<size_t>(block)); known != nullptr) {
    CARAVAN_CHECK(*known == key);
    return entries_.at(key).entry;
  }
  const auto [at, is_new] = entries_.try_emplace(std::move(key), PrefixHit{block, last_ + 1});
  if (is_new) {
    ++last_;
    keys_.at(static_cast<size_t>(block)) = &at->first;
  }
  return at->second.entry;
}

void PrefixIndex::forget(int32_t block) {
  const Key*& key = keys_.at(static_cast<size_t>(block));
  CARAVAN_CHECK(key != nullptr);
  entries_.erase(entries_.find(*key));
  key = nullptr;
}

}  // namespace caravan
