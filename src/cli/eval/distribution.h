// A row of logits as a distribution over the next token.
//
// All sums are in double and in the row's order, so that the same logits give the same figures. A row that
// holds NaN or plus infinity, or nothing but minus infinity, is no distribution: its figures are NaN, so that
// a broken checkpoint shows. Thread safety: value types.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace caravan::eval {

class Distribution {
 public:
  /// Of `logits`, [vocab], which must outlive it.
  explicit Distribution(std::span<const float> logits);

  /// The likeliest token: the lowest one of those with the largest logit.
  [[nodiscard]] int32_t best() const { return best_; }
  /// The negative logarithm of the probability of `token`.
  [[nodiscard]] double nats_of(int32_t token) const;

 private:
  friend class Divergence;

  std::span<const float> logits_;
  double log_total_;  ///< the logarithm of the sum of exp(logit)
  int32_t best_;
};

/// Kullback-Leibler divergences of distributions from one baseline, in nats: what the baseline's next token
/// is worth to those who expect another distribution.
class Divergence {
 public:
  /// `baseline` must outlive it.
  explicit Divergence(const Distribution& baseline);

  /// The sum over all tokens of p * log(p / q), with p the baseline's probabilities and q those of `other`,
  /// over the same vocabulary: 0 where both are the same, infinite where `other` rules out what the baseline
  /// does not.
  [[nodiscard]] double to(const Distribution& other) const;

 private:
  const Distribution& baseline_;
  std::vector<double> probabilities_;  ///< [vocab], the baseline's
};

}  // namespace caravan::eval
