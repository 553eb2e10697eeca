// Numbers within bounds, as grammar: digit by digit. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "text/grammar/json_text.h"

namespace caravan::grammar {

/// What is generated has at most 16 digits before the point (json_text.h).
constexpr int64_t kMaxWhole = 9'999'999'999'999'999;

/// A bound of a number; a whole number.
struct Bound {
  int64_t value = 0;
  bool exclusive = false;
};

/// The integers from `low` to `high`, both within ±kMaxWhole; no -0. None if low > high.
Sequence integers_between(GrammarBuilder& builder, int64_t low, int64_t high);

/// The decimals within the bounds, without exponents; with so few digits after the point that a double tells
/// each from the bounds. Of absent bounds: ±kMaxWhole.
Sequence numbers_between(GrammarBuilder& builder, std::optional<Bound> low, std::optional<Bound> high);

}  // namespace caravan::grammar
