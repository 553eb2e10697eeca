#include "serve/ranking.h"

#include <algorithm>

namespace caravan::serve {

namespace {

double mean_logprob(const ChoiceResult& choice) {
  return choice.cumulative_logprob / static_cast<double>(std::max<size_t>(1, choice.tokens.size()));
}

/// A log-probability that was made for ranking only is not told.
void hide_logprobs(ChoiceResult& choice) {
  for (TokenResult& token : choice.tokens) {
    token.logprob.reset();
    token.rank = 0;
  }
}

}  // namespace

std::vector<ChoiceResult> best_choices(std::vector<ChoiceResult> candidates, const Generation& generation) {
  if (!generation.beam_search) {
    std::stable_sort(candidates.begin(), candidates.end(), [](const ChoiceResult& a, const ChoiceResult& b) {
      return mean_logprob(a) > mean_logprob(b);
    });
  }
  candidates.resize(std::min(candidates.size(), static_cast<size_t>(generation.choices)));
  if (!generation.top_logprobs.has_value()) {
    for (ChoiceResult& choice : candidates) hide_logprobs(choice);
  }
  return candidates;
}

}  // namespace caravan::serve
