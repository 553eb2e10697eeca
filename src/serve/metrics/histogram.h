// Distributions: counts in fixed buckets, as Prometheus wants them, and the latest values themselves.
// Thread safety: value types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace caravan::serve {

class Histogram {
 public:
  /// `bounds` are the buckets' upper bounds, inclusive and ascending; one more bucket takes what is above.
  explicit Histogram(std::span<const double> bounds);

  /// Counts `value`, which must not be NaN.
  void observe(double value);

  [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }
  /// [bounds + 1], each bucket alone; the last is that above all bounds.
  [[nodiscard]] const std::vector<uint64_t>& counts() const { return counts_; }
  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ = 0.0;
};

/// 1, 2, 5, 10, 20, 50 … up to `most`: the buckets that vLLM counts tokens in.
std::vector<double> one_two_five(int64_t most);

/// The latest values, up to kKept of them: those of about the last thousand requests, as MindIE averages.
class RecentValues {
 public:
  static constexpr size_t kKept = 1000;

  void add(double value);
  [[nodiscard]] bool empty() const { return values_.empty(); }
  /// In no order.
  [[nodiscard]] const std::vector<double>& values() const { return values_; }

 private:
  std::vector<double> values_;
  size_t next_ = 0;  ///< the oldest, once there are kKept
};

}  // namespace caravan::serve
