#include "sampling/truncation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "sampling/draw.h"

namespace caravan {

namespace {

/// The whole number that stands for the weight 1: so large that the sum over a vocabulary fits in 63 bits.
uint64_t unit_weight(size_t vocab) {
  return uint64_t{1} << (63U - static_cast<unsigned>(std::bit_width(vocab)));
}

uint64_t total_weight(const std::vector<Candidate>& candidates) {
  uint64_t total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  return total;
}

constexpr size_t kBins = 256;

/// The bin of a key from `low` on, which grows with the key.
struct Binning {
  float low = 0.0F;
  float scale = 0.0F;  ///< 0: the keys are too close to each other for bins

  [[nodiscard]] size_t bin(float key) const {
    return std::min(kBins - 1, static_cast<size_t>(static_cast<int32_t>((key - low) * scale)));
  }
};

template <typename Key>
Binning binning_of(const std::vector<Candidate>& candidates, Key key) {
  float low = key(candidates.front());
  float high = low;
  for (const Candidate& candidate : candidates) {
    low = std::min(low, key(candidate));
    high = std::max(high, key(candidate));
  }
  const float scale = static_cast<float>(kBins) / (high - low);
  return {low, std::isfinite(scale) ? scale : 0.0F};
}

/// Moves from `undecided` to the end of `kept` what is in a bin before the one in which the weights reach
/// `wanted`, together with `reached`, to which it adds; leaves that bin, and drops the rest.
template <typename Key>
void decide_by_bins(Candidates& candidates, const Binning& binning, double wanted, uint64_t& reached,
                    Key key) {
  std::vector<Candidate>& undecided = candidates.undecided;
  std::vector<Candidate>& kept = candidates.kept;
  std::array<uint64_t, kBins> masses = {};
  for (const Candidate& candidate : undecided) masses[binning.bin(key(candidate))] += candidate.weight;
  size_t bin = 0;
  while (bin + 1 < kBins && static_cast<double>(reached + masses[bin]) < wanted) reached += masses[bin++];
  // Without branches: both are written, and what does not belong is overwritten.
  size_t decided = kept.size();
  size_t left = 0;
  kept.resize(decided + undecided.size());
  for (const Candidate candidate : undecided) {
    const size_t its_bin = binning.bin(key(candidate));
    kept[decided] = candidate;
    decided += its_bin < bin ? 1U : 0U;
    undecided[left] = candidate;
    left += its_bin == bin ? 1U : 0U;
  }
  kept.resize(decided);
  undecided.resize(left);
}

/// Drops from `candidates.kept` what comes after the first whose weights reach `wanted`, in the order of
/// `key`, then id; keeps one at least. The key is a finite float. Takes linear time: candidates go into bins
/// by key, and only the bin in which the sum is reached is looked at again.
template <typename Key>
void keep_mass(Candidates& candidates, double wanted, Key key) {
  constexpr size_t kFewEnoughToSort = 64;
  std::vector<Candidate>& undecided = candidates.undecided;
  std::vector<Candidate>& kept = candidates.kept;
  std::swap(undecided, kept);
  kept.clear();
  uint64_t reached = 0;
  while (undecided.size() > kFewEnoughToSort) {
    const Binning binning = binning_of(undecided, key);
    if (binning.scale == 0.0F) break;
    decide_by_bins(candidates, binning, wanted, reached, key);
  }
  const auto before = [&key](const Candidate& a, const Candidate& b) {
    return key(a) != key(b) ? key(a) < key(b) : a.token < b.token;
  };
  // Where there are many left, most often they are: equal keys in order of id.
  if (!std::is_sorted(undecided.begin(), undecided.end(), before)) {
    std::sort(undecided.begin(), undecided.end(), before);
  }
  for (const Candidate& candidate : undecided) {
    if (!kept.empty() && static_cast<double>(reached) >= wanted) break;
    reached += candidate.weight;
    kept.push_back(candidate);
  }
}

uint64_t whole_weight(const Weighing& weighing, float logit, size_t vocab) {
  const auto weight = static_cast<double>(exp2_of(weighing.exponent(logit)));
  // By a signed number, which is one instruction.
  return static_cast<uint64_t>(static_cast<int64_t>(weight * static_cast<double>(unit_weight(vocab))));
}

/// The tokens whose exponent is at least `lowest`.
void gather(const Row& row, const Weighing& weighing, float lowest, std::vector<Candidate>& kept) {
  kept.clear();
  size_t size = 0;
  for (size_t i = 0; i < row.chunks(); ++i) {
    if (!(weighing.exponent(row.maxima[i]) >= lowest)) continue;
    const std::span<const float> chunk = row.chunk(i);
    if (kept.size() < size + kChunk) kept.resize(2 * size + kChunk);
    // Without branches: what does not belong is overwritten.
    for (size_t j = 0; j < chunk.size(); ++j) {
      kept[size] = {chunk[j], static_cast<int32_t>(i * kChunk + j), 0};
      size += weighing.exponent(chunk[j]) >= lowest ? 1U : 0U;
    }
  }
  kept.resize(size);
  const size_t vocab = row.logits.size();
  for (Candidate& candidate : kept) candidate.weight = whole_weight(weighing, candidate.logit, vocab);
}

/// Every token that may be kept has at least this exponent, whatever top_p may be.
float lowest_exponent(const SamplingParams& params, size_t vocab) {
  const double least = std::max(1.0 / static_cast<double>(unit_weight(vocab)), params.min_p);
  // Half a percent of slack for all roundings, the C library's too: it decides nothing but how many
  // candidates the exact comparisons will see.
  return static_cast<float>(std::log2(least)) - 0.01F;
}

/// Gathers at least the likeliest tokens whose weights reach `wanted`, and all down to some weight, so that
/// the nucleus is among them. Most often it is a few tokens, so that few are gathered and looked for first.
void gather_nucleus(const Row& row, const Weighing& weighing, double wanted, float lowest,
                    std::vector<Candidate>& kept) {
  constexpr float kStep = 6.0F;
  const auto steps = static_cast<int>(std::ceil(-lowest / kStep));
  for (int step = 1; step < steps; ++step) {
    gather(row, weighing, -kStep * static_cast<float>(step), kept);
    if (static_cast<double>(total_weight(kept)) >= wanted) return;
  }
  gather(row, weighing, lowest, kept);
}

/// Keeps the tokens whose information is the nearest to the distribution's entropy (arXiv:2202.00666). With
/// weights of 2^e, a token's information is log2(total) - e and the entropy log2(total) - mean(e), so that
/// the distance is |e - mean(e)|.
void keep_typical(Candidates& candidates, const Weighing& weighing, double typical_p) {
  double sum = 0.0;
  for (const Candidate& candidate : candidates.kept) {
    sum += static_cast<double>(candidate.weight) * static_cast<double>(weighing.exponent(candidate.logit));
  }
  const auto total = static_cast<double>(total_weight(candidates.kept));
  const auto mean = static_cast<float>(sum / total);
  keep_mass(candidates, typical_p * total, [&weighing, mean](const Candidate& candidate) {
    return std::abs(weighing.exponent(candidate.logit) - mean);
  });
}

}  // namespace

bool truncates(const SamplingParams& params) {
  return params.top_k > 0 || params.top_p < 1.0 || params.min_p > 0.0 || params.typical_p < 1.0;
}

void truncate(const Row& row, const SamplingParams& params, Candidates& candidates) {
  const Weighing weighing = weighing_of(row, params.temperature);
  const auto unit = static_cast<double>(unit_weight(row.logits.size()));
  const auto vocab = static_cast<int64_t>(row.logits.size());
  const float lowest = lowest_exponent(params, row.logits.size());
  double wanted = 0.0;
  if (params.top_k > 0 && params.top_k < vocab) {
    select_top(row, static_cast<size_t>(params.top_k), candidates.top);
    candidates.kept.clear();
    for (const TokenLogit& token : candidates.top) {
      candidates.kept.push_back(
          {token.logit, token.token, whole_weight(weighing, token.logit, row.logits.size())});
    }
    wanted = params.top_p * static_cast<double>(total_weight(candidates.kept));
  } else if (params.top_p < 1.0) {
    wanted = params.top_p * sum_weights(row, weighing) * unit;
    gather_nucleus(row, weighing, wanted, lowest, candidates.kept);
  } else {
    gather(row, weighing, lowest, candidates.kept);
  }
  if (params.top_p < 1.0) {
    keep_mass(candidates, wanted, [](const Candidate& candidate) { return -candidate.logit; });
  }
  std::erase_if(candidates.kept, [&](const Candidate& candidate) {
    return static_cast<double>(candidate.weight) < params.min_p * unit;
  });
  if (params.typical_p < 1.0) keep_typical(candidates, weighing, params.typical_p);
}

int32_t draw_candidate(const Candidates& candidates, uint64_t random) {
  CARAVAN_CHECK(!candidates.kept.empty());
  const auto total = static_cast<double>(total_weight(candidates.kept));
  auto left = static_cast<uint64_t>(unit_interval(random) * total);
  for (const Candidate& candidate : candidates.kept) {
    if (left < candidate.weight) return candidate.token;
    left -= candidate.weight;
  }
  return candidates.kept.front().token;
}

}  // namespace caravan
