#include "sampling/token_counts.h"

#include <algorithm>

namespace caravan {

namespace {

bool continues(std::span<const int32_t> tokens, const std::vector<int32_t>& earlier) {
  return tokens.size() >= earlier.size() && std::equal(earlier.begin(), earlier.end(), tokens.begin());
}

}  // namespace

TokenCounts::Count& TokenCounts::count_of(int32_t token) {
  const auto [place, is_new] = index_.try_emplace(token, counts_.size());
  if (is_new) counts_.push_back({token, 0});
  return counts_[place->second];
}

void TokenCounts::update(std::span<const int32_t> prompt, std::span<const int32_t> output) {
  if (!continues(prompt, prompt_) || !continues(output, output_)) *this = TokenCounts();
  for (const int32_t token : prompt.subspan(prompt_.size())) {
    count_of(token);
    prompt_.push_back(token);
  }
  for (const int32_t token : output.subspan(output_.size())) {
    ++count_of(token).in_output;
    output_.push_back(token);
  }
}

}  // namespace caravan
