#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"

namespace caravan {

namespace {

void check_range(const char* flag, double value, double low, double high) {
  if (value >= low && value <= high) return;
  fail(flag, ": found ", value, ", expected a number from ", low, " to ", high);
}

int32_t likeliest(std::span<const float> logits) {
  int32_t best = 0;
  float best_logit = -std::numeric_limits<float>::infinity();
  for (size_t token = 0; token < logits.size(); ++token) {
    if (logits[token] > best_logit) {
      best_logit = logits[token];
      best = static_cast<int32_t>(token);
    }
  }
  return best;
}

/// Ids break ties, so that the order, and with it the draw, is the same on every machine.
constexpr auto kLikelier = [](const auto& a, const auto& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
};

}  // namespace

void check_ranges(const SamplingParams& params) {
  // Above 100 every token is as likely as any other: such a value is a mistake.
  check_range("--temperature", params.temperature, 0.0, 100.0);
  check_range("--top-p", params.top_p, 0.0, 1.0);
  check_range("--min-p", params.min_p, 0.0, 1.0);
  check_range("--repetition-penalty", params.repetition_penalty, 0.01, 100.0);
  check_range("--presence-penalty", params.presence_penalty, -2.0, 2.0);
  check_range("--frequency-penalty", params.frequency_penalty, -2.0, 2.0);
  if (params.top_k < 0) fail("--top-k: found ", params.top_k, ", expected 0 (all tokens) or more");
}

int32_t Sampler::sample(std::span<const float> logits, std::span<const int32_t> prompt,
                        std::span<const int32_t> output) {
  adjusted_.assign(logits.begin(), logits.end());
  for (float& logit : adjusted_) {
    if (std::isnan(logit)) logit = -std::numeric_limits<float>::infinity();
  }
  penalize(prompt, output);
  if (params_.temperature == 0.0) return likeliest(adjusted_);
  truncate();
  return draw();
}

void Sampler::penalize(std::span<const int32_t> prompt, std::span<const int32_t> output) {
  if (params_.repetition_penalty != 1.0) {
    std::unordered_set<int32_t> seen(prompt.begin(), prompt.end());
    seen.insert(output.begin(), output.end());
    const auto penalty = static_cast<float>(params_.repetition_penalty);
    for (const int32_t token : seen) {
      float& logit = adjusted_.at(static_cast<size_t>(token));
      logit = logit > 0.0F ? logit / penalty : logit * penalty;
    }
  }
  if (params_.presence_penalty == 0.0 && params_.frequency_penalty == 0.0) return;
  std::unordered_map<int32_t, int> counts;
  for (const int32_t token : output) ++counts[token];
  for (const auto& [token, count] : counts) {
    const double penalty = params_.presence_penalty + params_.frequency_penalty * count;
    adjusted_.at(static_cast<size_t>(token)) -= static_cast<float>(penalty);
  }
}

void Sampler::truncate() {
  candidates_.clear();
  for (size_t token = 0; token < adjusted_.size(); ++token) {
    candidates_.push_back({adjusted_[token], static_cast<int32_t>(token), 0.0});
  }
  if (params_.top_k > 0 && static_cast<size_t>(params_.top_k) < candidates_.size()) {
    std::partial_sort(candidates_.begin(), candidates_.begin() + params_.top_k, candidates_.end(), kLikelier);
    candidates_.resize(static_cast<size_t>(params_.top_k));
  }
  const auto largest = static_cast<double>(*std::max_element(adjusted_.begin(), adjusted_.end()));
  for (Candidate& candidate : candidates_) {
    // All logits minus infinity: nothing tells the tokens apart.
    const double difference = std::isinf(largest) ? 0.0 : static_cast<double>(candidate.logit) - largest;
    candidate.weight = std::exp(difference / params_.temperature);
  }
  if (params_.top_p < 1.0) keep_nucleus();
  // The likeliest token's weight is 1, so min_p compares with the weights as they are.
  std::erase_if(candidates_, [this](const Candidate& candidate) { return candidate.weight < params_.min_p; });
}

void Sampler::keep_nucleus() {
  const double wanted = params_.top_p * total_weight();
  double reached = 0.0;
  size_t kept = 0;
  // A nucleus is small beside a vocabulary, so only as much is sorted as it needs, twice as much each time.
  size_t sorted = 0;
  while (kept < candidates_.size() && (kept == 0 || reached < wanted)) {
    if (kept == sorted) {
      sorted = std::min(candidates_.size(), std::max<size_t>(64, 2 * sorted));
      const auto at = [this](size_t index) {
        return candidates_.begin() + static_cast<std::ptrdiff_t>(index);
      };
      std::partial_sort(at(kept), at(sorted), candidates_.end(), kLikelier);
    }
    reached += candidates_[kept++].weight;
  }
  candidates_.resize(kept);
}

double Sampler::total_weight() const {
  double total = 0.0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  return total;
}

int32_t Sampler::draw() {
  // 53 random bits make a uniform double in [0, 1); std::uniform_real_distribution differs between libraries.
  double left = static_cast<double>(random_() >> 11U) * 0x1p-53 * total_weight();
  for (const Candidate& candidate : candidates_) {
    if (left < candidate.weight) return candidate.token;
    left -= candidate.weight;
  }
  return candidates_.back().token;
}

}  // namespace caravan
