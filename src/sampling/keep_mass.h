// The smallest set of tokens, in some order, that has a given share of the weight.
// Thread safety: free functions and value types.
#pragma once

#include <optional>
#include <vector>

#include "sampling/token_list.h"

namespace caravan {

/// What keep_mass keeps, and memory that is used again.
struct Candidates {
  TokenList kept;
  TokenList undecided;
  std::vector<float> keys;     ///< [undecided]
  std::vector<int32_t> bins;   ///< [undecided]
  std::vector<uint32_t> left;  ///< places in `undecided`
  std::vector<TokenLogit> top;
};

/// A token's place in the order: |exponent - centre|, or, where there is no centre, minus the logit.
struct MassOrder {
  Weighing weighing;
  std::optional<float> centre;

  [[nodiscard]] float key(float logit) const;
};

/// Drops from `candidates.kept` what comes after the first whose weights reach `wanted`, by key, then id;
/// keeps one at least. Keys are finite. Takes linear time: candidates go into bins by key, and only the bin
/// in which the sum is reached is looked at again. What is left stands in an order that is the same on every
/// machine, which decides what a seed draws.
void keep_mass(Candidates& candidates, double wanted, const MassOrder& order);

}  // namespace caravan
