// Which of several candidates are answered.
// Thread safety: pure functions.
#pragma once

#include <vector>

#include "serve/api/generation.h"

namespace caravan::serve {

/// The `choices` best of `candidates`, best first: beams in the order they came, others by their mean
/// log-probability per token, as vLLM's and OpenAI's best_of, ties in the order of making.
std::vector<ChoiceResult> best_choices(std::vector<ChoiceResult> candidates, const Generation& generation);

}  // namespace caravan::serve
