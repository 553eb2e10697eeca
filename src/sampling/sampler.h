// Logits to token: mask, bias, penalties, temperature, truncation, and a random draw, in vLLM's order.
//
// The same params and the same calls give the same tokens on every machine: all that decides is IEEE
// arithmetic in a fixed order, without fused operations (-ffp-contract=off), an exponential of our own
// (exp2.h), sums of whole numbers, and generators that the standard or a paper defines. Each call takes one
// number from the generator, or none if greedy, whatever the logits are.
// Thread safety: a Sampler belongs to one sequence; different Samplers share nothing.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "sampling/params.h"
#include "sampling/row.h"
#include "sampling/token_counts.h"
#include "sampling/truncation.h"

namespace caravan {

class Sampler {
 public:
  explicit Sampler(const SamplingParams& params) : params_(params), random_(params.seed) {}

  /// The next token. `logits` [vocab] fp32; `prompt` and `output` are the sequence's tokens so far; `allowed`
  /// [ceil(vocab / 64)] is a mask as in token_mask.h, empty for all tokens: others are never returned. A mask
  /// that allows nothing is a bug of the caller, as is a bias or a token outside the vocabulary. Greedy ties
  /// go to the lowest id. Logits that are NaN count as minus infinity.
  int32_t sample(std::span<const float> logits, std::span<const int32_t> prompt,
                 std::span<const int32_t> output, std::span<const uint64_t> allowed = {});

 private:
  [[nodiscard]] bool penalizes() const;
  /// Logits with mask, bias and penalties, in adjusted_ unless there are none of them.
  std::span<const float> adjust(std::span<const float> logits, std::span<const int32_t> prompt,
                                std::span<const int32_t> output, std::span<const uint64_t> allowed);
  void add_bias();
  void penalize();

  SamplingParams params_;
  std::mt19937_64 random_;
  TokenCounts counts_;
  // Memory that is used again at each call.
  std::vector<float> adjusted_;  ///< [vocab]
  Row row_;
  Candidates candidates_;
  std::vector<double> cumulative_;
};

}  // namespace caravan
