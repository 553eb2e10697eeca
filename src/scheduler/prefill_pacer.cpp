#include "scheduler/prefill_pacer.h"

#include <algorithm>
#include <bit>

namespace caravan {

namespace {

/// Steps up to so many tokens take little longer than one of a single token: reading the weights bounds them.
constexpr int64_t kNearlyFree = 16;
/// Beside more decoding sequences than that, prompts still go on by so many tokens a step.
constexpr int64_t kLeast = 4;

/// Times are kept by classes of sizes, 8 to 16 an octave, so that all of one class take about as long.
int64_t size_class(int64_t tokens) {
  const auto width = static_cast<int>(std::bit_width(static_cast<uint64_t>(tokens)));
  const int shift = std::max(0, width - 4);
  const int64_t half = (int64_t{1} << shift) / 2;
  return (tokens + half) >> shift << shift;
}

/// Far enough to show a difference, near enough not to go far beyond what is allowed.
int64_t larger_class(int64_t size) { return size_class(size + std::max<int64_t>(1, size / 4)); }

}  // namespace

double PrefillPacer::Times::median() const {
  std::array<double, kKept> sorted = seconds;
  const size_t kept = std::min(count, kKept);
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(kept / 2);
  // Not std::sort: under ASan's instrumentation GCC 12 sees its insertion sort reach past so short an array.
  std::partial_sort(sorted.begin(), middle + 1, sorted.begin() + static_cast<std::ptrdiff_t>(kept));
  return *middle;
}

void PrefillPacer::record(int64_t tokens, double seconds) {
  Times& times = times_[size_class(tokens)];
  times.seconds.at(times.count++ % Times::kKept) = seconds;
}

std::optional<double> PrefillPacer::expected(int64_t tokens) const {
  const auto above = times_.lower_bound(tokens);
  if (above != times_.end() && above->first == tokens) return above->second.median();
  if (above == times_.end() || above == times_.begin()) return std::nullopt;
  const auto below = std::prev(above);
  const double low = below->second.median();
  const double share =
      static_cast<double>(tokens - below->first) / static_cast<double>(above->first - below->first);
  return low + share * (above->second.median() - low);
}

int64_t PrefillPacer::limit(int64_t decoding) const {
  if (stretch_ == 0.0 || decoding == 0) return kNoLimit;
  const int64_t least = std::max(decoding + kLeast, kNearlyFree);
  const std::optional<double> alone = expected(size_class(decoding));
  if (!alone.has_value()) return least - decoding;
  const double allowed = stretch_ * *alone;
  // The sizes that were seen to be short enough, and one step beyond them, to learn.
  int64_t size = size_class(decoding);
  int64_t larger = larger_class(size);
  std::optional<double> time = expected(larger);
  while (time.has_value() && *time <= allowed) {
    size = larger;
    larger = larger_class(size);
    time = expected(larger);
  }
  if (!time.has_value()) return std::max(larger, least) - decoding;
  const double here = expected(size).value_or(*alone);
  const double share = *time > here ? std::clamp((allowed - here) / (*time - here), 0.0, 1.0) : 0.0;
  const int64_t tokens = size + static_cast<int64_t>(share * static_cast<double>(larger - size));
  return std::max(tokens, least) - decoding;
}

}  // namespace caravan
