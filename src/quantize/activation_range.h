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
/// How much of the squares of all values may be cut off with what lies beyond a threshold. Shares of values,
/// all that Kullback and Leibler look at, know nothing of how far out an outlier lies: of a LLaMA's
/// activations some in 100,000 hold most of the squares, and a threshold below them ruins the model.
constexpr double kMostCutSquares = 1e-3;
/// Ranges that kLeastSquares tries: the whole one, and each a part smaller than the one before.
constexpr int kTriedRanges = 32;
constexpr float kNextRange = 0.95F;
/// The share of values that kPercentile keeps, half of the rest being cut off on each side.
constexpr double kKeptShare = 0.9999;

/// How many bins, from kMagnitudeNumbers up, to keep of `counts`, a histogram of magnitudes from 0: those
/// that lose the least information, as Kullback and Leibler measure it, when what lies beyond them is added
/// to the last and they are rounded to kMagnitudeNumbers numbers (Migacz, "8-bit inference with TensorRT",
/// 2017), of those that cut off no more than kMostCutSquares.
size_t bins_to_keep(std::span<const int64_t> counts);

/// The scale and the zero point for `values`, all of them finite: from the smallest and the largest, or less
/// where `method` cuts outliers off; 0 is always within. kLeastSquares shrinks both ends alike to where the
/// squares of all errors, of rounding and of what is cut off, are least.
RowQuant static_rows(std::span<const float> values, RangeMethod method);

}  // namespace caravan
