#include "cli/eval/distribution.h"

#include <cmath>

#include "base/error.h"
#include "sampling/row.h"

namespace caravan::eval {

Distribution::Distribution(std::span<const float> logits) : logits_(logits) {
  Row row;
  scan_row(logits, row);
  best_ = likeliest(row);
  const auto largest = static_cast<double>(row.largest);
  double total = 0.0;
  for (const float logit : logits) total += std::exp(static_cast<double>(logit) - largest);
  log_total_ = largest + std::log(total);
}

double Distribution::nats_of(int32_t token) const {
  return log_total_ - static_cast<double>(logits_[static_cast<size_t>(token)]);
}

Divergence::Divergence(const Distribution& baseline) : baseline_(baseline) {
  probabilities_.reserve(baseline.logits_.size());
  for (const float logit : baseline.logits_)
    probabilities_.push_back(std::exp(static_cast<double>(logit) - baseline.log_total_));
}

double Divergence::to(const Distribution& other) const {
  CARAVAN_CHECK_EQ(other.logits_.size(), probabilities_.size());
  double sum = 0.0;
  for (size_t i = 0; i < probabilities_.size(); ++i) {
    // What the baseline rules out counts for nothing, whatever the other makes of it.
    if (probabilities_[i] == 0.0) continue;
    sum += probabilities_[i] *
           (static_cast<double>(baseline_.logits_[i]) - static_cast<double>(other.logits_[i]));
  }
  return sum - baseline_.log_total_ + other.log_total_;
}

}  // namespace caravan::eval
