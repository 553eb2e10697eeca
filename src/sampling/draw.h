// A random token of the whole vocabulary. Thread safety: a free function.
#pragma once

#include <cstdint>
#include <vector>

#include "sampling/row.h"

namespace caravan {

/// 53 of the random bits as a number in [0, 1). std::uniform_real_distribution differs between libraries.
constexpr double unit_interval(uint64_t random) { return static_cast<double>(random >> 11U) * 0x1p-53; }

/// A token with the probability that its weight has among all weights; never one at minus infinity. `random`
/// are 64 random bits, which decide everything. `cumulative` is scratch memory.
///
/// By rejection, so that only the chunks' maxima need an exponential: a chunk is drawn with kChunk times the
/// weight of its likeliest token, one of its tokens uniformly, and that token is taken with the probability
/// that its weight has of the likeliest's. One in kChunk tries succeeds at worst.
int32_t draw_token(const Row& row, const Weighing& weighing, uint64_t random,
                   std::vector<double>& cumulative);

}  // namespace caravan
