// How much of waiting prompts a step may take while other sequences decode, so that these do not stall.
//
// Sized by time, not by a fixed number of tokens: a step with prefill in it may take `stretch` times as long
// as one that only decodes. How long steps of so many tokens take is learnt from the steps that run. Thread
// safety: one thread, the engine's.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>

namespace caravan {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

class PrefillPacer {
 public:
  /// `stretch` at least 1; 0: no limit, prompts first.
  explicit PrefillPacer(double stretch) : stretch_(stretch) {}

  /// The most tokens of prompts for a step in which so many sequences decode; never 0, so that prompts go on.
  [[nodiscard]] int64_t limit(int64_t decoding) const;
  /// A step of so many tokens, of whatever kind, took so long.
  void record(int64_t tokens, double seconds);

 private:
  /// The latest times of steps of about so many tokens; their median is what counts, because now and then a
  /// step is disturbed.
  struct Times {
    static constexpr size_t kKept = 5;
    std::array<double, kKept> seconds{};
    size_t count = 0;
    [[nodiscard]] double median() const;
  };

  [[nodiscard]] std::optional<double> expected(int64_t tokens) const;

  double stretch_;
  std::map<int64_t, Times> times_;  ///< by size class
};

}  // namespace caravan
