// Writes Prometheus' text exposition format 0.0.4, family by family.
//
// Invariants: a family's HELP and TYPE stand once, before its samples; what needs escaping is escaped.
// Thread safety: a value type.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/metrics/histogram.h"

namespace caravan::serve {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Exposition {
 public:
  /// Begins the family `name`; `type` is "counter", "gauge" or "histogram".
  void family(std::string_view name, std::string_view type, std::string_view help);
  /// A sample of the family that was begun last.
  void sample(const Labels& labels, double value);
  /// All samples of a histogram: cumulative buckets, the last of them +Inf, the sum and the count.
  void samples(const Labels& labels, const Histogram& histogram);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void line(std::string_view suffix, const Labels& labels, double value);

  std::string text_;
  std::string name_;
};

/// The shortest decimal form that reads back as `value`; "+Inf", "-Inf" and "NaN" as the format has them.
std::string sample_number(double value);

}  // namespace caravan::serve
