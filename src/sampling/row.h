// One pass after the other over a row of logits: what greedy choice, sampling and log-probabilities share.
//
// A row is cut into chunks of kChunk logits. Their maxima tell which chunks can be skipped, so that what
// follows the first pass looks at few logits. The passes are written so that GCC vectorises them; every sum
// has an order of its own that no vector width changes, so that results have the same bits on every machine.
// NaN counts as minus infinity. Thread safety: free functions and value types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "sampling/exp2.h"

namespace caravan {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

/// Logits per chunk: two cache lines.
constexpr size_t kChunk = 32;

/// A row and the maxima of its chunks. `logits` is borrowed.
struct Row {
  std::span<const float> logits;
  std::vector<float> maxima;       ///< [ceil(vocab / kChunk)]: minus infinity where all logits are
  float largest = kMinusInfinity;  ///< of all

  [[nodiscard]] size_t chunks() const { return maxima.size(); }
  [[nodiscard]] std::span<const float> chunk(size_t index) const;
};

/// Fills all of `row`, whose memory is used again.
void scan_row(std::span<const float> logits, Row& row);

/// Makes a row whose largest logit is infinite one that can be weighed, in `out` [vocab]: several logits of
/// plus infinity are as likely as each other, and nothing else counts; if all are minus infinity, then
/// nothing tells the allowed tokens apart (token_mask.h).
void settle_infinity(const Row& row, std::span<const uint64_t> allowed, std::vector<float>& out);

/// The lowest token that has the largest logit; 0 if every logit is minus infinity.
int32_t likeliest(const Row& row);

/// Tokens that are likelier than `token`, or as likely with a lower id: 0 is the likeliest.
int64_t likelier_than(std::span<const float> logits, int32_t token);

/// A token's weight is its probability, up to a factor common to all: 2^exponent, 1 for the likeliest.
struct Weighing {
  float largest = 0.0F;  ///< the row's; finite
  float scale = 0.0F;    ///< of logits, to powers of two: log2(e) / temperature

  [[nodiscard]] float exponent(float logit) const { return (logit - largest) * scale; }
};

/// Temperature above 0.
Weighing weighing_of(const Row& row, double temperature);

/// The weights' sum. Chunks whose tokens are all under 2^-64 of the likeliest, even together, count as
/// nothing. Relative error at most 1e-6.
double sum_weights(const Row& row, const Weighing& weighing);

struct TokenLogit {
  float logit = 0.0F;
  int32_t token = 0;
};

/// The `count` likeliest tokens that are not at minus infinity (all, if there are fewer), likeliest first;
/// ties go to the lowest id.
void select_top(const Row& row, size_t count, std::vector<TokenLogit>& top);

}  // namespace caravan
