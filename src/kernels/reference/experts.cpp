// The routing of tokens to experts, the grouping of rows by expert, and the sum of what experts made.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/reference/load_store.h"
#include "kernels/reference/rows.h"

namespace caravan::reference {

namespace {

/// The expert of the largest logit that is not among `taken`, the lowest of equal ones.
int32_t largest_but(const float* logits, int32_t experts, const int32_t* taken, int64_t count) {
  int32_t best = -1;
  for (int32_t e = 0; e < experts; ++e) {
    if (std::find(taken, taken + count, e) != taken + count) continue;
    if (best < 0 || logits[e] > logits[best]) best = e;
  }
  return best;
}

void route_token(const float* logits, int32_t experts, bool renormalize, int64_t chosen, int32_t* ids,
                 float* weights) {
  for (int64_t j = 0; j < chosen; ++j) ids[j] = largest_but(logits, experts, ids, j);
  const auto exponential = [&](int32_t e) {
    return std::exp(static_cast<double>(logits[e]) - static_cast<double>(logits[ids[0]]));
  };
  double sum = 0.0;
  if (renormalize) {
    for (int64_t j = 0; j < chosen; ++j) sum += exponential(ids[j]);
  } else {
    for (int32_t e = 0; e < experts; ++e) sum += exponential(e);
  }
  for (int64_t j = 0; j < chosen; ++j) weights[j] = static_cast<float>(exponential(ids[j]) / sum);
}

void route_experts(const RouteExpertsArgs& args, Lane lane) {
  const int64_t experts = args.logits.shape[1];
  const int64_t chosen = args.experts.shape[1];
  const Range part = share_of(args.logits.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token) {
    int32_t* ids = args.experts.as<int32_t>() + token * chosen;
    float* weights = args.weights.as<float>() + token * chosen;
    if (args.sequences.as<int32_t>()[token] < 0) {
      std::fill_n(ids, chosen, -1);
      std::fill_n(weights, chosen, 0.0F);
      continue;
    }
    route_token(args.logits.as<float>() + token * experts, static_cast<int32_t>(experts), args.renormalize,
                chosen, ids, weights);
  }
}

/// By one lane: a count of small integers, which takes less time than sharing it would.
void group_rows(const GroupRowsArgs& args, Lane lane) {
  if (lane.index != 0) return;
  const int64_t experts = args.offsets.shape[0] - 1;
  const int64_t entries = args.experts.shape.elements();
  const auto* ids = args.experts.as<int32_t>();  // [entries]
  auto* offsets = args.offsets.as<int32_t>();
  auto* rows = args.rows.as<int32_t>();      // [entries]
  auto* places = args.places.as<int32_t>();  // [entries]
  std::fill_n(offsets, experts + 1, 0);
  for (int64_t i = 0; i < entries; ++i) {
    CARAVAN_CHECK(ids[i] >= -1 && ids[i] < experts);
    if (ids[i] >= 0) ++offsets[ids[i] + 1];
  }
  // offsets[e + 1] becomes where e begins, and grows to where it ends.
  int32_t begin = 0;
  for (int64_t e = 0; e < experts; ++e) {
    const int32_t count = offsets[e + 1];
    offsets[e + 1] = begin;
    begin += count;
  }
  std::fill(rows + begin, rows + entries, 0);
  for (int64_t i = 0; i < entries; ++i) {
    places[i] = ids[i] < 0 ? -1 : offsets[ids[i] + 1]++;
    if (places[i] >= 0) rows[places[i]] = static_cast<int32_t>(i / args.experts.shape[1]);
  }
}

void combine_experts(const CombineExpertsArgs& args, Lane lane) {
  const int64_t hidden = args.y.shape[1];
  const int64_t chosen = args.weights.shape[1];
  const bool has_shared = args.shared.data != nullptr;
  const Range part = share_of(args.y.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token) {
    const int32_t* places = args.places.as<int32_t>() + token * chosen;
    const float* weights = args.weights.as<float>() + token * chosen;
    const double gate = has_shared ? 1.0 / (1.0 + std::exp(-load<float>(args.shared_gate.data, token))) : 0.0;
    for (int64_t i = 0; i < hidden; ++i) {
      double sum = 0.0;
      for (int64_t j = 0; j < chosen; ++j) {
        if (places[j] < 0) continue;
        sum += static_cast<double>(weights[j]) * load<float>(args.grouped.data, places[j] * hidden + i);
      }
      if (has_shared) sum += gate * load<float>(args.shared.data, token * hidden + i);
      store<float>(args.y.data, token * hidden + i,
                   load<float>(args.residual.data, token * hidden + i) + sum);
    }
  }
}

}  // namespace

void add_experts(KernelTable& table) {
  table.route_experts.set(DType::kF32, route_experts, kLevel);
  table.group_rows.set(DType::kI32, group_rows, kLevel);
  table.combine_experts.set(DType::kF32, combine_experts, kLevel);
}

}  // namespace caravan::reference
