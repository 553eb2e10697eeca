#include "sampling/naive.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace caravan::test {

namespace {

using Order = std::vector<size_t>;

void normalize(std::vector<double>& probabilities) {
  const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  for (double& each : probabilities) each /= total;
}

/// Zero for all but the first of `order` whose probabilities reach `mass`.
void keep_first(std::vector<double>& probabilities, const Order& order, double mass) {
  std::vector<double> kept(probabilities.size(), 0.0);
  double reached = 0.0;
  for (size_t i = 0; i < order.size() && (i == 0 || reached < mass); ++i) {
    kept[order[i]] = probabilities[order[i]];
    reached += probabilities[order[i]];
  }
  probabilities = kept;
  normalize(probabilities);
}

template <typename Key>
Order order_by(size_t count, Key key) {
  Order order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&key](size_t a, size_t b) { return key(a) < key(b); });
  return order;
}

}  // namespace

std::vector<double> naive_probabilities(std::span<const float> logits, double temperature) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> probabilities;
  for (const float logit : logits) probabilities.push_back(std::exp((logit - largest) / temperature));
  normalize(probabilities);
  return probabilities;
}

std::vector<double> naive_truncated(std::span<const float> logits, const SamplingParams& params) {
  std::vector<double> kept = naive_probabilities(logits, params.temperature);
  const Order likeliest = order_by(logits.size(), [&](size_t i) { return -logits[i]; });
  if (params.top_k > 0) {
    for (auto i = static_cast<size_t>(params.top_k); i < kept.size(); ++i) kept[likeliest[i]] = 0.0;
    normalize(kept);
  }
  if (params.top_p < 1.0) keep_first(kept, likeliest, params.top_p);
  const double least = params.min_p * *std::max_element(kept.begin(), kept.end());
  for (double& each : kept) each = each < least ? 0.0 : each;
  normalize(kept);
  if (params.typical_p == 1.0) return kept;
  double entropy = 0.0;
  for (const double each : kept) entropy -= each > 0.0 ? each * std::log(each) : 0.0;
  const Order typical =
      order_by(kept.size(), [&](size_t i) { return std::abs(-std::log(kept[i]) - entropy); });
  keep_first(kept, typical, params.typical_p);
  return kept;
}

std::vector<float> random_row(uint64_t seed, size_t vocab, float deviation) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0F, deviation);
  std::vector<float> row(vocab);
  for (float& logit : row) logit = normal(random);
  for (int i = 0; i < 10; ++i) row[random() % vocab] += 3.0F * deviation;
  return row;
}

double chi_square_deviations(std::span<const int> counts, std::span<const double> probabilities) {
  const double draws = std::accumulate(counts.begin(), counts.end(), 0.0);
  double statistic = 0.0;
  double freedom = -1.0;
  double rare_expected = 0.0;
  double rare_found = 0.0;
  const auto add = [&](double found, double expected) {
    statistic += (found - expected) * (found - expected) / expected;
    freedom += 1.0;
  };
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = draws * probabilities[i];
    if (expected >= 5.0) {
      add(counts[i], expected);
    } else {
      rare_expected += expected;
      rare_found += counts[i];
    }
  }
  if (rare_expected >= 5.0) add(rare_found, rare_expected);
  // Of the chi-square distribution: the mean is the degrees of freedom, the variance twice as much.
  return (statistic - freedom) / std::sqrt(2.0 * freedom);
}

}  // namespace caravan::test
