#include "cli/load/random.h"

#include <cmath>
#include <numbers>

namespace caravan::load {

namespace {

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15ULL;

}  // namespace

uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

uint64_t seed_of(uint64_t seed, uint64_t stream) { return mixed(mixed(seed + kGolden) ^ (stream * kGolden)); }

uint64_t Random::bits() {
  state_ += kGolden;
  return mixed(state_);
}

double Random::uniform() {
  // 53 bits, as many as a double has, in the middle of their interval.
  return (static_cast<double>(bits() >> 11U) + 0.5) * 0x1.0p-53;
}

uint64_t Random::below(uint64_t bound) { return bits() % bound; }

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double Random::gamma(double shape) {
  // Below 1 the method needs a step more, by the same authors.
  if (shape < 1.0) {
    const double larger = gamma(shape + 1.0);
    return larger * std::pow(uniform(), 1.0 / shape);
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = normal();
    const double root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    if (std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

}  // namespace caravan::load
