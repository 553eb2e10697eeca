#include "sampling/keep_mass.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sampling/floats.h"

namespace caravan {

namespace {

constexpr size_t kBins = 256;
constexpr size_t kFewEnoughToSort = 64;

/// The bin of a key from `low` on, which grows with the key.
struct Binning {
  float low = 0.0F;
  float scale = 0.0F;  ///< 0: the keys are too close to each other for bins
};

/// The keys of all that is undecided, filled up to whole registers with the last one.
void make_keys(Candidates& candidates, const MassOrder& order) {
  const TokenList& undecided = candidates.undecided;
  const size_t size = undecided.count;
  if (candidates.keys.size() < size + kFloats) candidates.keys.resize(size + kFloats);
  const float* logits = undecided.logits.data();
  float* keys = candidates.keys.data();
  if (order.centre.has_value()) {
    // As MassOrder::key.
    const float centre = *order.centre;
    const float largest = order.weighing.largest;
    const float scale = order.weighing.scale;
    for (size_t i = 0; i < size; ++i) keys[i] = std::abs((logits[i] - largest) * scale - centre);
  } else {
    for (size_t i = 0; i < size; ++i) keys[i] = -logits[i];
  }
  std::fill_n(keys + size, kFloats, keys[size - 1]);
}

Binning binning_of(const std::vector<float>& keys, size_t size) {
  Floats low = all_of(keys[0]);
  Floats high = low;
  for (size_t i = 0; i < size; i += kFloats) {
    const Floats some = load(&keys[i]);
    low = smaller(some, low);
    high = larger(some, high);
  }
  const float scale = static_cast<float>(kBins) / (largest_of(high) - smallest_of(low));
  return {smallest_of(low), std::isfinite(scale) ? scale : 0.0F};
}

using Masses = std::array<uint64_t, kBins>;

/// Fills in the bins; returns the weights of each.
Masses sort_into_bins(Candidates& candidates, const Binning& binning) {
  const TokenList& undecided = candidates.undecided;
  const size_t size = undecided.count;
  if (candidates.bins.size() < size + kFloats) candidates.bins.resize(size + kFloats);
  for (size_t i = 0; i < size; i += kFloats) {
    const Floats places = (load(&candidates.keys[i]) - binning.low) * binning.scale;
    const Integers bins =
        __builtin_convertvector(smaller(places, all_of(static_cast<float>(kBins - 1))), Integers);
    std::memcpy(&candidates.bins[i], &bins, sizeof bins);
  }
  Masses masses = {};
  for (size_t i = 0; i < size; ++i) masses[static_cast<size_t>(candidates.bins[i])] += undecided.weights[i];
  return masses;
}

/// Moves from `undecided` to the end of `kept` what is in a bin before the one in which the weights reach
/// `wanted`, together with `reached`, to which it adds; leaves that bin, and drops the rest.
void decide_by_bins(Candidates& candidates, const Binning& binning, double wanted, uint64_t& reached) {
  const Masses masses = sort_into_bins(candidates, binning);
  size_t last_bin = 0;
  while (last_bin + 1 < kBins && static_cast<double>(reached + masses[last_bin]) < wanted)
    reached += masses[last_bin++];
  const auto bin = static_cast<uint32_t>(last_bin);
  TokenList& undecided = candidates.undecided;
  TokenList& kept = candidates.kept;
  const size_t size = undecided.count;
  kept.make_room(size);
  if (candidates.left.size() < size) candidates.left.resize(size);
  // Without branches, which arithmetic on signs makes sure of: both are written, and what does not belong is
  // overwritten.
  size_t decided = kept.count;
  size_t left = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto its_bin = static_cast<uint32_t>(candidates.bins[i]);
    kept.logits[decided] = undecided.logits[i];
    kept.tokens[decided] = undecided.tokens[i];
    kept.weights[decided] = undecided.weights[i];
    decided += (its_bin - bin) >> 31U;
    candidates.left[left] = static_cast<uint32_t>(i);
    left += ((its_bin ^ bin) - 1U) >> 31U;
  }
  kept.count = decided;
  for (size_t i = 0; i < left; ++i) {
    const size_t from = candidates.left[i];
    undecided.logits[i] = undecided.logits[from];
    undecided.tokens[i] = undecided.tokens[from];
    undecided.weights[i] = undecided.weights[from];
  }
  undecided.count = left;
}

struct Keyed {
  float key = 0.0F;
  size_t place = 0;  ///< in `undecided`
};

/// What is undecided one by one, in order.
void decide_in_order(Candidates& candidates, double wanted, uint64_t reached, const MassOrder& order) {
  const TokenList& undecided = candidates.undecided;
  TokenList& kept = candidates.kept;
  std::vector<Keyed> sorted(undecided.count);
  for (size_t i = 0; i < sorted.size(); ++i) sorted[i] = {order.key(undecided.logits[i]), i};
  const auto before = [&undecided](const Keyed& a, const Keyed& b) {
    return a.key != b.key ? a.key < b.key : undecided.tokens[a.place] < undecided.tokens[b.place];
  };
  // Where there are many left, most often they are: equal keys in order of id.
  if (!std::is_sorted(sorted.begin(), sorted.end(), before)) std::sort(sorted.begin(), sorted.end(), before);
  for (const Keyed& next : sorted) {
    if (kept.count > 0 && static_cast<double>(reached) >= wanted) break;
    reached += undecided.weights[next.place];
    kept.push_back(undecided.logits[next.place], undecided.tokens[next.place], undecided.weights[next.place]);
  }
}

}  // namespace

float MassOrder::key(float logit) const {
  return centre.has_value() ? std::abs(weighing.exponent(logit) - *centre) : -logit;
}

void keep_mass(Candidates& candidates, double wanted, const MassOrder& order) {
  std::swap(candidates.undecided, candidates.kept);
  candidates.kept.count = 0;
  uint64_t reached = 0;
  while (candidates.undecided.count > kFewEnoughToSort) {
    make_keys(candidates, order);
    const Binning binning = binning_of(candidates.keys, candidates.undecided.count);
    if (binning.scale == 0.0F) break;
    decide_by_bins(candidates, binning, wanted, reached);
  }
  decide_in_order(candidates, wanted, reached, order);
}

}  // namespace caravan
