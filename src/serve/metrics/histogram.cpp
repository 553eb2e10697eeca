#include "serve/metrics/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace caravan::serve {

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1, 0) {
  CARAVAN_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) {
  CARAVAN_CHECK(!std::isnan(value));
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++counts_[static_cast<size_t>(bucket - bounds_.begin())];
  ++count_;
  sum_ += value;
}

std::vector<double> one_two_five(int64_t most) {
  std::vector<double> bounds;
  for (int64_t power = 1;; power *= 10) {
    for (const int64_t step : std::array<int64_t, 3>{1, 2, 5}) {
      if (step * power > most) return bounds;
      bounds.push_back(static_cast<double>(step * power));
    }
  }
}

void RecentValues::add(double value) {
  if (values_.size() < kKept) {
    values_.push_back(value);
    return;
  }
  values_[next_] = value;
  next_ = (next_ + 1) % kKept;
}

}  // namespace caravan::serve
