#include "models/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace caravan {

namespace {

/// The base for which the slowest frequency turns over `length` tokens as far as it did over the original
/// context.
double dynamic_theta(const RopeConfig& config, int64_t head_dim, int64_t length) {
  const auto original = static_cast<double>(config.original_max_position);
  const double stretched = std::max(static_cast<double>(length), original);
  const auto dims = static_cast<double>(head_dim);
  const double growth = config.factor * stretched / original - (config.factor - 1.0);
  return config.theta * std::pow(growth, dims / (dims - 2.0));
}

double llama3_scaled(const RopeConfig& config, double frequency) {
  const double wavelength = 2.0 * std::numbers::pi / frequency;
  const auto original = static_cast<double>(config.original_max_position);
  if (wavelength > original / config.low_freq_factor) return frequency / config.factor;
  if (wavelength < original / config.high_freq_factor) return frequency;
  const double smooth =
      (original / wavelength - config.low_freq_factor) / (config.high_freq_factor - config.low_freq_factor);
  return (1.0 - smooth) * frequency / config.factor + smooth * frequency;
}

/// The (fractional) pair of dimensions whose frequency turns `rotations` times over the original context.
double yarn_dimension(const RopeConfig& config, int64_t head_dim, double rotations) {
  const auto original = static_cast<double>(config.original_max_position);
  return static_cast<double>(head_dim) * std::log(original / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(config.theta));
}

/// How much of the unscaled frequency each pair keeps: 1 for the fast ones, 0 for the slow ones, a ramp
/// between.
double yarn_kept(const RopeConfig& config, int64_t head_dim, int64_t pair) {
  double low = yarn_dimension(config, head_dim, config.beta_fast);
  double high = yarn_dimension(config, head_dim, config.beta_slow);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(head_dim - 1));
  // The width that the reference gives an empty ramp, so that it does not divide by zero.
  if (low == high) high += 0.001;
  return 1.0 - std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
}

}  // namespace

std::vector<float> rope_frequencies(const RopeConfig& config, int64_t head_dim, int64_t length) {
  const double theta =
      config.scaling == RopeScaling::kDynamic ? dynamic_theta(config, head_dim, length) : config.theta;
  std::vector<float> frequencies(static_cast<size_t>(head_dim / 2));
  for (int64_t pair = 0; pair < head_dim / 2; ++pair) {
    double frequency = std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(head_dim));
    switch (config.scaling) {
      case RopeScaling::kNone:
      case RopeScaling::kDynamic:
        break;
      case RopeScaling::kLinear:
        frequency /= config.factor;
        break;
      case RopeScaling::kLlama3:
        frequency = llama3_scaled(config, frequency);
        break;
      case RopeScaling::kYarn: {
        const double kept = yarn_kept(config, head_dim, pair);
        frequency = frequency / config.factor * (1.0 - kept) + frequency * kept;
        break;
      }
      case RopeScaling::kDivisors:
        frequency /= static_cast<double>(config.divisors[static_cast<size_t>(pair)]);
        break;
    }
    frequencies[static_cast<size_t>(pair)] = static_cast<float>(frequency);
  }
  return frequencies;
}

bool depends_on_length(const RopeConfig& config) { return config.scaling == RopeScaling::kDynamic; }

}  // namespace caravan
