#include "sampling/truncation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "sampling/draw.h"

namespace caravan {

namespace {

/// Every token that may be kept has at least this exponent, whatever top_p may be.
float lowest_exponent(const SamplingParams& params, size_t vocab) {
  const double least = std::max(1.0 / static_cast<double>(unit_weight(vocab)), params.min_p);
  // Half a percent of slack for all roundings, the C library's too: it decides nothing but how many
  // candidates the exact comparisons will see.
  return static_cast<float>(std::log2(least)) - 0.01F;
}

/// Gathers at least the likeliest tokens whose weights reach `wanted`, and all down to some weight, so that
/// the nucleus is among them. Most often it is a few tokens, so that few are gathered and looked for first.
void gather_nucleus(const Row& row, const Weighing& weighing, double wanted, float lowest, TokenList& kept) {
  constexpr float kStep = 6.0F;
  const auto steps = static_cast<int>(std::ceil(-lowest / kStep));
  for (int step = 1; step < steps; ++step) {
    gather(row, weighing, -kStep * static_cast<float>(step), kept);
    if (static_cast<double>(kept.total_weight()) >= wanted) return;
  }
  gather(row, weighing, lowest, kept);
}

void drop_below(double least, TokenList& list) {
  size_t size = 0;
  for (size_t i = 0; i < list.count; ++i) {
    if (static_cast<double>(list.weights[i]) < least) continue;
    list.logits[size] = list.logits[i];
    list.tokens[size] = list.tokens[i];
    list.weights[size] = list.weights[i];
    ++size;
  }
  list.count = size;
}

/// The sum of weight times exponent, in the list's order.
double moment_of(const TokenList& list, const Weighing& weighing) {
  double sum = 0.0;
  for (size_t i = 0; i < list.count; ++i) {
    sum += static_cast<double>(static_cast<int64_t>(list.weights[i])) *
           static_cast<double>(weighing.exponent(list.logits[i]));
  }
  return sum;
}

/// Keeps the tokens whose information is the nearest to the distribution's entropy (arXiv:2202.00666). With
/// weights of 2^e, a token's information is log2(total) - e and the entropy log2(total) - mean(e), so that
/// the distance is |e - mean(e)|. `moment` is the sum of weight times e.
void keep_typical(Candidates& candidates, const Weighing& weighing, double typical_p, double moment) {
  const auto total = static_cast<double>(candidates.kept.total_weight());
  keep_mass(candidates, typical_p * total, {weighing, static_cast<float>(moment / total)});
}

void keep_likeliest(Candidates& candidates, const Weighing& weighing, double wanted) {
  keep_mass(candidates, wanted, {weighing, std::nullopt});
}

}  // namespace

bool truncates(const SamplingParams& params) {
  return params.top_k > 0 || params.top_p < 1.0 || params.min_p > 0.0 || params.typical_p < 1.0;
}

void truncate(const Row& row, const SamplingParams& params, Candidates& candidates) {
  const Weighing weighing = weighing_of(row, params.temperature);
  const size_t vocab = row.logits.size();
  const float lowest = lowest_exponent(params, vocab);
  TokenList& kept = candidates.kept;
  if (params.top_k > 0 && params.top_k < static_cast<int64_t>(vocab)) {
    select_top(row, static_cast<size_t>(params.top_k), candidates.top);
    kept.count = 0;
    for (const TokenLogit& token : candidates.top)
      kept.push_back(token.logit, token.token, whole_weight(weighing, token.logit, vocab));
    if (params.top_p < 1.0)
      keep_likeliest(candidates, weighing, params.top_p * static_cast<double>(kept.total_weight()));
  } else if (params.top_p < 1.0) {
    const auto unit = static_cast<double>(unit_weight(vocab));
    const double wanted = params.top_p * sum_weights(row, weighing) * unit;
    gather_nucleus(row, weighing, wanted, lowest, kept);
    keep_likeliest(candidates, weighing, wanted);
  } else if (params.min_p > 0.0 || params.typical_p == 1.0) {
    gather(row, weighing, lowest, kept);
  } else {
    const double moment = gather_with_moment(row, weighing, lowest, kept);
    return keep_typical(candidates, weighing, params.typical_p, moment);
  }
  if (params.min_p > 0.0) drop_below(params.min_p * static_cast<double>(unit_weight(vocab)), kept);
  if (params.typical_p < 1.0) keep_typical(candidates, weighing, params.typical_p, moment_of(kept, weighing));
}

int32_t draw_candidate(const Candidates& candidates, uint64_t random) {
  const TokenList& kept = candidates.kept;
  CARAVAN_CHECK(kept.count > 0);
  const auto total = static_cast<double>(kept.total_weight());
  auto left = static_cast<uint64_t>(unit_interval(random) * total);
  for (size_t i = 0; i < kept.count; ++i) {
    if (left < kept.weights[i]) return kept.tokens[i];
    left -= kept.weights[i];
  }
  return kept.tokens.front();
}

}  // namespace caravan
