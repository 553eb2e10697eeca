// The axes of a plot: from values to places, with ticks at round numbers.
// Thread safety: value types.
#pragma once

#include <string>
#include <vector>

namespace caravan::cli {

struct Axis {
  bool logarithmic = false;
  double low = 0.0;
  double high = 1.0;
  std::vector<double> ticks;  ///< rising, from low to high

  /// Where `value` lies: 0 at `low`, 1 at `high`.
  [[nodiscard]] double place(double value) const;
};

/// From 0 to a round number that is at least `high`, with four to seven ticks at multiples of 1, 2 or 5 times
/// a power of ten. `high` must be above 0.
Axis linear_axis(double high);

/// From a round number to another that hold `low` and `high` between them, on a logarithmic scale: with ticks
/// at 1, 2 and 5 times the powers of ten, or at the powers alone where they are many. `low` must be above 0.
Axis log_axis(double low, double high);

/// The linear axis, or the logarithmic one where the values lie so far apart that the small ones could not be
/// told from 0.
Axis value_axis(double low, double high);

/// On a logarithmic scale, with a tick at each of `sizes`, which rise.
Axis size_axis(std::vector<double> sizes);

/// "0.05", "20", "1500": what stands at a tick.
std::string tick_label(double value);

}  // namespace caravan::cli
