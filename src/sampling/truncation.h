// The tokens that top-k, top-p, min-p and typical sampling keep, and a draw from them.
//
// Weights are whole numbers, so that sums do not depend on the order of summation. Tokens whose weight is
// under 2^-46 (vocabulary of 128,256) or 2^-48 (32,000) of the likeliest's are left out: 2^-29 of the
// probability at most. Thread safety: free functions and value types.
#pragma once

#include <cstdint>

#include "sampling/keep_mass.h"
#include "sampling/params.h"

namespace caravan {

/// Whether anything but the whole vocabulary may be kept.
bool truncates(const SamplingParams& params);

/// Leaves in `candidates.kept` what is kept, in an order that is the same on every machine: top-k, then the
/// nucleus of what is left, then min-p, then typical sampling of what is left, as transformers orders them.
/// At least one token is kept. Ties go to the lowest ids. `params.temperature` is above 0, and `row.largest`
/// finite.
void truncate(const Row& row, const SamplingParams& params, Candidates& candidates);

/// One of the kept tokens by weight; `random` are 64 random bits.
int32_t draw_candidate(const Candidates& candidates, uint64_t random);

}  // namespace caravan
