// Logits to token: penalties, temperature, truncation, and a random draw, in the order that the field has
// settled on. Thread safety: a Sampler belongs to one sequence.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace caravan {

/// The names and meanings of Hugging Face's GenerationConfig and of the OpenAI API (the two last penalties).
struct SamplingParams {
  double temperature = 1.0;  ///< 0: greedy; else logits are divided by it
  int64_t top_k = 0;         ///< keep the k likeliest tokens; 0: all
  double top_p = 1.0;        ///< keep the likeliest tokens whose probabilities reach it (arXiv:1904.09751)
  double typical_p = 1.0;    ///< keep the most typical tokens whose probabilities reach it (arXiv:2202.00666)
  double min_p = 0.0;  ///< keep tokens at least this likely relative to the likeliest (arXiv:2407.01082)
  double repetition_penalty =
      1.0;  ///< on prompt and output: divides logits above 0, multiplies others (1909.05858)
  double presence_penalty = 0.0;   ///< subtracted once from every token that the output has
  double frequency_penalty = 0.0;  ///< subtracted once for each time that the output has the token
  uint64_t seed = 0;
};

/// Throws Error, naming the flag, if a value is outside its range.
void check_ranges(const SamplingParams& params);

class Sampler {
 public:
  explicit Sampler(const SamplingParams& params) : params_(params), random_(params.seed) {}

  /// The next token. `logits` [vocab] fp32; `prompt` and `output` are the sequence's tokens so far. Greedy
  /// ties go to the lowest id. Logits that are NaN count as minus infinity. The same params and the same
  /// calls give the same tokens on every machine.
  int32_t sample(std::span<const float> logits, std::span<const int32_t> prompt,
                 std::span<const int32_t> output);

 private:
  struct Candidate {
    float logit = 0.0F;
    int32_t token = 0;
    double weight = 0.0;  ///< probability, up to a factor common to all
  };

  void penalize(std::span<const int32_t> prompt, std::span<const int32_t> output);
  /// Leaves in candidates_ those that top-k, top-p and min-p keep.
  void truncate();
  void keep_nucleus();
  [[nodiscard]] double total_weight() const;
  int32_t draw();

  SamplingParams params_;
  std::mt19937_64 random_;
  std::vector<float> adjusted_;        ///< [vocab]: logits after the penalties
  std::vector<Candidate> candidates_;  ///< [at most vocab]
};

}  // namespace caravan
