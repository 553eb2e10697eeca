// Sampling as the papers write it, in double, by sorting the whole vocabulary: what the room is compared
// with.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "sampling/params.h"

namespace caravan::test {

/// Probabilities at the temperature.
std::vector<double> naive_probabilities(std::span<const float> logits, double temperature);

/// Probabilities of what params keeps, 0 for the rest.
std::vector<double> naive_truncated(std::span<const float> logits, const SamplingParams& params);

/// Normally distributed logits with a few that stand out, as a language model's.
std::vector<float> random_row(uint64_t seed, size_t vocab, float deviation);

/// Pearson's statistic of counts [vocab] against probabilities, tokens that are expected fewer than 5 times
/// taken together, as its distance from the mean in standard deviations of its distribution.
double chi_square_deviations(std::span<const int> counts, std::span<const double> probabilities);

}  // namespace caravan::test
