// Tokens that may be kept, with their logits and weights, each in an array of its own, so that passes over
// them are vectorised. Thread safety: value types and free functions.
#pragma once

#include <cstdint>
#include <vector>

#include "sampling/row.h"

namespace caravan {

struct TokenList {
  size_t count = 0;
  // At least `count` long each; what lies behind is memory that is used again.
  std::vector<float> logits;
  std::vector<int32_t> tokens;
  std::vector<uint64_t> weights;  ///< probabilities, up to a factor common to all

  /// Makes room for `places` more; `count` stays.
  void make_room(size_t places);
  void push_back(float logit, int32_t token, uint64_t weight);
  [[nodiscard]] uint64_t total_weight() const;
};

/// The whole number that stands for the weight 1: so large that the sum over a vocabulary fits in 63 bits.
uint64_t unit_weight(size_t vocab);

/// The whole number for the weight of a logit.
uint64_t whole_weight(const Weighing& weighing, float logit, size_t vocab);

/// The tokens of the row whose exponent is at least `lowest`, by id.
void gather(const Row& row, const Weighing& weighing, float lowest, TokenList& list);
/// The same; returns the sum of their weights times their exponents.
double gather_with_moment(const Row& row, const Weighing& weighing, float lowest, TokenList& list);

}  // namespace caravan
