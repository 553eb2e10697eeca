#include "cli/show/axis.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace caravan::cli {

namespace {

/// A little more than rounding errors, less than any difference that shows.
constexpr double kSlack = 1e-9;

}  // namespace

double Axis::place(double value) const {
  if (low >= high) return 0.5;
  return logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
}

Axis linear_axis(double high) {
  // Of the steps that are round, the first that needs no more than so many.
  constexpr double kMostSteps = 6.0;
  const double power = std::pow(10.0, std::floor(std::log10(high / kMostSteps)));
  double step = 10.0 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (high / (factor * power) <= kMostSteps + kSlack) step = factor * power;
  }
  Axis axis;
  const auto count = static_cast<int>(std::ceil(high / step - kSlack));
  for (int i = 0; i <= count; ++i) axis.ticks.push_back(i * step);
  axis.high = axis.ticks.back();
  return axis;
}

Axis log_axis(double low, double high) {
  Axis axis;
  axis.logarithmic = true;
  const double decades = std::log10(high / low);
  const std::vector<double> factors = decades > 3.0 ? std::vector<double>{1.0} : std::vector{1.0, 2.0, 5.0};
  for (double power = std::pow(10.0, std::floor(std::log10(low)));
       axis.ticks.empty() || axis.ticks.back() < high; power *= 10.0) {
    for (const double factor : factors) {
      if (!axis.ticks.empty() && axis.ticks.back() >= high * (1.0 - kSlack)) break;
      // Of the ticks below the lowest value, the last is kept.
      if (!axis.ticks.empty() && factor * power <= low * (1.0 + kSlack)) axis.ticks.clear();
      axis.ticks.push_back(factor * power);
    }
  }
  axis.low = axis.ticks.front();
  axis.high = axis.ticks.back();
  return axis;
}

Axis value_axis(double low, double high) {
  constexpr double kFarApart = 15.0;
  return high > kFarApart * low ? log_axis(low, high) : linear_axis(high);
}

Axis size_axis(std::vector<double> sizes) {
  Axis axis;
  axis.logarithmic = true;
  axis.low = sizes.front();
  axis.high = sizes.back();
  axis.ticks = std::move(sizes);
  return axis;
}

std::string tick_label(double value) {
  // Ticks have few digits; more would show rounding errors.
  std::ostringstream exact;
  exact << std::setprecision(6) << value;
  if (exact.str().find('e') == std::string::npos) return exact.str();
  std::ostringstream plain;
  plain << std::fixed << std::setprecision(value < 1.0 ? 9 : 0) << value;
  return plain.str();
}

}  // namespace caravan::cli
