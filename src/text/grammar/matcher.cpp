#include "text/grammar/matcher.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "text/grammar/guide_parts.h"

namespace caravan {

namespace {

/// Beyond this the masks of a guide are forgotten: 1,000 of a vocabulary of 128,000.
constexpr size_t kMaxMaskBytes = 16'000'000;

/// Adds the time of its scope.
class Timed {
 public:
  explicit Timed(double& seconds) : seconds_(&seconds) {}
  ~Timed() { *seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  double* seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// One walk over the trie, which leaves out what is below a dead state.
std::vector<uint64_t> tokens_from(grammar::StatePool& pool, uint32_t state, const grammar::Program& program,
                                  const TokenTrie& trie) {
  std::vector<uint64_t> mask(trie.mask_words(), 0);
  std::vector<uint32_t> states(trie.max_depth() + 1);  // by depth
  states[0] = state;
  const std::span<const TokenTrie::Node> nodes = trie.nodes();
  const std::span<const int32_t> tokens = trie.tokens();
  for (size_t i = 0; i + 1 < nodes.size();) {
    const TokenTrie::Node& node = nodes[i];
    const uint32_t next = pool.step(states[node.depth - 1], program.class_of[node.byte]);
    if (next == grammar::StatePool::kDead) {
      i = node.end;
      continue;
    }
    states[node.depth] = next;
    ++i;
    for (uint32_t t = node.first_token; t < nodes[i].first_token; ++t) {
      const auto id = static_cast<uint32_t>(tokens[t]);
      mask[id / 64] |= uint64_t{1} << (id % 64);
    }
  }
  return mask;
}

}  // namespace

GrammarMatcher::GrammarMatcher(std::shared_ptr<const CompiledGuide> guide, std::vector<int32_t> end_ids)
    : guide_(std::move(guide)), end_ids_(std::make_shared<const std::vector<int32_t>>(std::move(end_ids))) {
  const std::lock_guard lock(guide_->parts_->mutex);
  pool_ = guide_->parts_->pool;
  state_ = pool_->start();
  may_end_ = pool_->may_end(state_);
}

void GrammarMatcher::use_current_pool() {
  CompiledGuide::Parts& parts = *guide_->parts_;
  if (parts.pool->is_full()) {
    parts.pool = std::make_shared<grammar::StatePool>(parts.program, parts.trie->max_depth());
    parts.masks.clear();
  }
  if (pool_ != parts.pool) {
    state_ = parts.pool->adopt(*pool_, state_);
    pool_ = parts.pool;
  }
  pool_->restart_work();
}

bool GrammarMatcher::advance(std::string_view bytes) {
  const CompiledGuide::Parts& parts = *guide_->parts_;
  uint32_t state = state_;
  for (const char c : bytes) {
    state = pool_->step(state, parts.program.class_of[static_cast<unsigned char>(c)]);
    if (state == grammar::StatePool::kDead) return false;
  }
  state_ = state;
  may_end_ = pool_->may_end(state);
  return true;
}

bool GrammarMatcher::accept(std::string_view bytes) {
  if (ended_) return bytes.empty();
  const Timed timed(cost_.seconds);
  const std::lock_guard lock(guide_->parts_->mutex);
  use_current_pool();
  return advance(bytes);
}

bool GrammarMatcher::is_end(int32_t id) const {
  return std::find(end_ids_->begin(), end_ids_->end(), id) != end_ids_->end();
}

bool GrammarMatcher::accept_token(int32_t id) {
  if (ended_) return false;
  if (is_end(id)) {
    ended_ = may_end_;
    return ended_;
  }
  const std::string_view bytes = guide_->trie().bytes_of(id);
  return !bytes.empty() && accept(bytes);
}

void GrammarMatcher::mask_of_state(std::span<uint64_t> mask) {
  CompiledGuide::Parts& parts = *guide_->parts_;
  const std::lock_guard lock(parts.mutex);
  use_current_pool();
  const uint32_t alike = pool_->alike(state_);
  auto found = parts.masks.find(alike);
  if (found != parts.masks.end()) {
    ++cost_.cache_hits;
  } else {
    std::vector<uint64_t> made = tokens_from(*pool_, alike, parts.program, *parts.trie);
    if ((parts.masks.size() + 1) * made.size() * sizeof(uint64_t) > kMaxMaskBytes) parts.masks.clear();
    found = parts.masks.emplace(alike, std::move(made)).first;
  }
  std::copy(found->second.begin(), found->second.end(), mask.begin());
}

bool GrammarMatcher::allowed(std::span<uint64_t> mask) {
  CARAVAN_CHECK(mask.size() >= guide_->trie().mask_words());
  const Timed timed(cost_.seconds);
  ++cost_.steps;
  std::fill(mask.begin(), mask.end(), 0);
  if (!ended_) mask_of_state(mask);
  for (const int32_t id : *end_ids_) {
    if (id < 0 || static_cast<size_t>(id) / 64 >= mask.size()) continue;
    uint64_t& word = mask[static_cast<size_t>(id) / 64];
    const uint64_t bit = uint64_t{1} << (static_cast<uint32_t>(id) % 64);
    word = may_end_ && !ended_ ? word | bit : word & ~bit;
  }
  return std::any_of(mask.begin(), mask.end(), [](uint64_t word) { return word != 0; });
}

}  // namespace caravan
