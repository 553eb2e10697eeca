// From a row of logits to a sequence's next token, or to its end.
// Thread safety: different sequences may be chosen for on different threads at once.
#pragma once

#include <span>

#include "engine/sequence.h"

namespace caravan {

/// A sequence that is computed, and what it does next.
struct Choice {
  Sequence* sequence = nullptr;
  std::span<const float> logits;  ///< fp32 [vocab], of its last token
  StepResult result;              ///< choose() adds token, finish and logprobs
};

[[nodiscard]] bool is_stop(const Request& request, int32_t token);

/// Takes the token into the sequence's matcher, where it has one. Returns false where the guide is too
/// ambiguous to go on: that is a dead end.
[[nodiscard]] bool guide_takes(Sequence& sequence, int32_t token);

/// Takes the token into the sequence's matcher, not into its tokens; for a beam, fills its candidates
/// instead. Never throws: what a guide cannot do is a dead end.
void choose(Choice& choice);

}  // namespace caravan
