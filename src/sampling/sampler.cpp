#include "sampling/sampler.h"

#include <cmath>

#include "base/error.h"
#include "sampling/draw.h"
#include "sampling/token_mask.h"

namespace caravan {

namespace {

float& logit_of(std::vector<float>& logits, int32_t token) {
  CARAVAN_CHECK(token >= 0 && static_cast<size_t>(token) < logits.size());
  return logits[static_cast<size_t>(token)];
}

}  // namespace

int32_t Sampler::sample(std::span<const float> logits, std::span<const int32_t> prompt,
                        std::span<const int32_t> output, std::span<const uint64_t> allowed) {
  CARAVAN_CHECK(!logits.empty());
  scan_row(adjust(logits, prompt, output, allowed), row_);
  if (!std::isfinite(row_.largest)) {
    settle_infinity(row_, allowed, adjusted_);
    scan_row(adjusted_, row_);
  }
  if (params_.temperature == 0.0) return likeliest(row_);
  const uint64_t random = random_();
  if (!truncates(params_)) {
    return draw_token(row_, weighing_of(row_, params_.temperature), random, cumulative_);
  }
  truncate(row_, params_, candidates_);
  return draw_candidate(candidates_, random);
}

bool Sampler::penalizes() const {
  return params_.repetition_penalty != 1.0 || params_.presence_penalty != 0.0 ||
         params_.frequency_penalty != 0.0;
}

std::span<const float> Sampler::adjust(std::span<const float> logits, std::span<const int32_t> prompt,
                                       std::span<const int32_t> output, std::span<const uint64_t> allowed) {
  if (allowed.empty() && params_.logit_bias.empty() && !penalizes()) return logits;
  if (allowed.empty()) {
    adjusted_.assign(logits.begin(), logits.end());
  } else {
    adjusted_.resize(logits.size());
    copy_allowed(logits, allowed, adjusted_);
  }
  add_bias();
  if (penalizes()) {
    // Without a repetition penalty the prompt does not count.
    counts_.update(params_.repetition_penalty != 1.0 ? prompt : std::span<const int32_t>(), output);
    penalize();
  }
  return adjusted_;
}

void Sampler::add_bias() {
  for (const auto& [token, bias] : params_.logit_bias) logit_of(adjusted_, token) += bias;
}

void Sampler::penalize() {
  const auto repetition = static_cast<float>(params_.repetition_penalty);
  for (const TokenCounts::Count& count : counts_.counts()) {
    float& logit = logit_of(adjusted_, count.token);
    logit = logit > 0.0F ? logit / repetition : logit * repetition;
    if (count.in_output == 0) continue;
    const double penalty = params_.presence_penalty + params_.frequency_penalty * count.in_output;
    logit -= static_cast<float>(penalty);
  }
}

}  // namespace caravan
