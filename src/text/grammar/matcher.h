// One text on its way through a guide: which tokens may come next, and what came.
//
// Invariants: what was accepted can always be completed to a text that the guide allows, as bytes (and as
// tokens, where the vocabulary has them). Copies are cheap (a pointer and a number) and independent: for
// beams and forks. Errors: a guide that is so ambiguous that a step exceeds the limits of state_pool.h throws
// Error from accept, accept_token and allowed; the matcher stays as it was, and the text cannot be guided
// further. Thread safety: a matcher on one thread at a time; matchers of one guide on any.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "text/grammar/guide.h"

namespace caravan {

namespace grammar {
class StatePool;
}

/// What guiding has cost. A copy of a matcher goes on from what the original had.
struct GuideCost {
  uint64_t steps = 0;       ///< calls of allowed()
  uint64_t cache_hits = 0;  ///< of them, those whose mask was known
  double seconds = 0;       ///< in allowed(), accept() and accept_token()
};

class GrammarMatcher {
 public:
  /// At the beginning of a text. `end_ids`: the tokens that end a text; they count as that only, whatever
  /// bytes they have.
  GrammarMatcher(std::shared_ptr<const CompiledGuide> guide, std::vector<int32_t> end_ids);

  /// Whether `bytes` may come next; if so they have come, else nothing changes.
  bool accept(std::string_view bytes);
  /// The same of a token. One that ends the text may come where may_end(), and nothing after it.
  bool accept_token(int32_t id);
  /// Whether the text so far is one that the guide allows.
  [[nodiscard]] bool may_end() const { return may_end_; }
  /// Whether an end token has come.
  [[nodiscard]] bool ended() const { return ended_; }

  /// Sets bit `id % 64` of mask[id / 64] for each token that may come next, and clears all others; end tokens
  /// may where may_end(). `mask` needs the trie's mask_words() or more (what end ids lie beyond it is
  /// ignored). Returns whether any token may come: if none, the text is complete where may_end(), and else
  /// cannot be completed with this vocabulary.
  bool allowed(std::span<uint64_t> mask);

  [[nodiscard]] const GuideCost& cost() const { return cost_; }
  [[nodiscard]] const CompiledGuide& guide() const { return *guide_; }

 private:
  bool advance(std::string_view bytes);
  void mask_of_state(std::span<uint64_t> mask);
  /// Moves over to the guide's current pool. Under the guide's mutex.
  void use_current_pool();
  [[nodiscard]] bool is_end(int32_t id) const;

  std::shared_ptr<const CompiledGuide> guide_;
  std::shared_ptr<const std::vector<int32_t>> end_ids_;
  std::shared_ptr<grammar::StatePool> pool_;
  uint32_t state_ = 0;  ///< of pool_
  bool may_end_ = false;
  bool ended_ = false;
  GuideCost cost_;
};

}  // namespace caravan
