// Random numbers that are the same on every machine: the standard library leaves its distributions to the
// implementation. Thread safety: value types.
#pragma once

#include <cstdint>

namespace caravan::load {

/// splitmix64's finalizer (Steele, Lea and Flood, 2014): a good hash of 64 bits.
uint64_t mixed(uint64_t value);

/// A seed of its own for each pair: equal for equal ones, unrelated otherwise.
uint64_t seed_of(uint64_t seed, uint64_t stream);

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits();
  /// In the open interval (0, 1).
  double uniform();
  /// From 0 to `bound` - 1, each as likely up to 1 in 2^64 / `bound`; `bound` must be above 0.
  uint64_t below(uint64_t bound);
  /// Of mean 0 and deviation 1 (Box and Muller 1958).
  double normal();
  /// A gamma distribution's value of this shape, above 0, and scale 1 (Marsaglia and Tsang 2000).
  double gamma(double shape);

 private:
  uint64_t state_;
};

}  // namespace caravan::load
