// The range of activations that 256 steps cover where one scale is for all tokens. Thread safety: pure
// functions.
#pragma once

#include <cstdint>
#include <span>

#include "quantize/options.h"

namespace caravan {

/// Bins of the histogram that a threshold is chosen from, and numbers that a magnitude has in 8 bits: as in
/// the source below.
constexpr int64_t kRangeBins = 2048;
constexpr int64_t kMagnitudeNumbers = 128;
/// The share of values that kPercentile keeps, half of the rest being cut off on each side.
constexpr double kKeptShare = 0.9999;

/// How many bins, from kMagnitudeNumbers up, to keep of `counts`, a histogram of magnitudes from 0: those
/// that lose the least information, as Kullback and Leibler measure it, when what lies beyond them is added
/// to the last and they are rounded to kMagnitudeNumbers numbers (Migacz, "8-bit inference with TensorRT",
/// 2017).
size_t bins_to_keep(std::span<const int64_t> counts);

/// The scale and the zero point for `values`, all of them finite: from the smallest and the largest, or less
/// where `method` cuts outliers off; 0 is always within.
RowQuant static_rows(std::span<const float> values, RangeMethod method);

}  // namespace caravan
