// How long prompts and outputs are: a number, or a distribution to draw it from.
// Thread safety: value types.
#pragma once

#include <cstdint>
#include <string>

#include "cli/load/random.h"

namespace caravan::load {

/// "256"; "uniform:LOW:HIGH", both included; "normal:MEAN:DEVIATION"; "lognormal:MEAN:DEVIATION", where mean
/// and deviation are those of the lengths themselves, not of their logarithms. What the last two draw is
/// rounded, and drawn again where it is below 1 or above kMaxLength.
class LengthDistribution {
 public:
  static constexpr int64_t kMaxLength = 10'000'000;

  explicit LengthDistribution(int64_t length) : low_(length), high_(length), text_(std::to_string(length)) {}
  /// Throws Error, naming `flag`, on anything but the forms above, on lengths outside 1 to kMaxLength, and on
  /// a deviation below 0.
  static LengthDistribution parse(const std::string& flag, const std::string& text);

  [[nodiscard]] int64_t draw(Random& random) const;
  /// As the user wrote it.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  enum class Kind : uint8_t { kUniform, kNormal, kLogNormal };

  Kind kind_ = Kind::kUniform;
  int64_t low_ = 1;
  int64_t high_ = 1;
  double mean_ = 0.0;  ///< of the normal distribution that is drawn from, and its deviation
  double deviation_ = 0.0;
  std::string text_;
};

}  // namespace caravan::load
