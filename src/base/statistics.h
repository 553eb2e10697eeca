// What a list of measurements comes to.
// Thread safety: pure functions.
#pragma once

#include <span>
#include <vector>

namespace caravan {

/// The mean; `values` must not be empty.
double mean_of(std::span<const double> values);

/// The standard deviation of a sample, which divides by one less than the count; 0 for a single value.
double sample_deviation(std::span<const double> values);

/// The value below which the share `fraction` (0 to 1) of `values` lies, interpolated linearly between the
/// two nearest (Hyndman and Fan 1996, type 7: what NumPy and R give). `values` must not be empty.
double quantile(std::vector<double> values, double fraction);

/// The middle value, or the mean of the two middle ones.
inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

}  // namespace caravan
