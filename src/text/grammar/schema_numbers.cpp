#include "text/grammar/schema_numbers.h"

#include <algorithm>
#include <string>

namespace caravan::grammar {

namespace {

bool all_are(const std::string& text, size_t from, char digit) {
  return text.find_first_not_of(digit, from) == std::string::npos;
}

class Digits {
 public:
  explicit Digits(GrammarBuilder& builder) : builder_(&builder) {}

  /// The integers from `low` to `high`, neither negative. Nothing if low > high.
  Sequence between(int64_t low, int64_t high) {
    std::vector<Sequence> alternatives;
    // Numbers of as many digits at a time.
    int64_t first = 0;
    for (int64_t last = 9; first <= high; first = last + 1, last = last * 10 + 9) {
      const int64_t from = std::max(low, first);
      const int64_t to = std::min(high, last);
      if (from <= to) alternatives.push_back(same_length(std::to_string(from), std::to_string(to), 0));
      if (last >= kMaxWhole) break;
    }
    return builder_->any_of(std::move(alternatives));
  }

  Sequence digit(char first, char last) { return builder_->bytes(byte_range(first, last)); }
  Sequence any(uint64_t min, uint64_t max) { return builder_->repeat(digit('0', '9'), min, max); }

 private:
  /// From low[at …] to high[at …].
  Sequence same_length(const std::string& low, const std::string& high, size_t at) {
    const size_t left = low.size() - at;
    if (left == 0) return {};
    if (all_are(low, at, '0') && all_are(high, at, '9')) return any(left, left);
    if (low[at] == high[at]) return digit(low[at], low[at]) + same_length(low, high, at + 1);
    const std::string zeros(low.size(), '0');
    const std::string nines(low.size(), '9');
    std::vector<Sequence> alternatives{digit(low[at], low[at]) + same_length(low, nines, at + 1),
                                       digit(high[at], high[at]) + same_length(zeros, high, at + 1)};
    if (low[at] + 1 < high[at]) {
      alternatives.push_back(digit(static_cast<char>(low[at] + 1), static_cast<char>(high[at] - 1)) +
                             any(left - 1, left - 1));
    }
    return builder_->any_of(std::move(alternatives));
  }

  GrammarBuilder* builder_;
};

/// Sizes (numbers without a sign) within bounds that are not negative.
Sequence sizes_between(GrammarBuilder& builder, Bound low, Bound high, uint64_t places) {
  Digits digits(builder);
  const Sequence point = builder.literal(".");
  const Sequence fraction = builder.optional(point + digits.any(1, places));
  const Sequence zeros = builder.optional(point + builder.repeat(builder.literal("0"), 1, places));
  std::vector<Sequence> alternatives;
  if (low.value > high.value || (low.value == high.value && (low.exclusive || high.exclusive))) {
    return builder.any_of({});
  }
  // Between the bounds' own whole parts, any fraction will do.
  if (low.value + 1 <= high.value - 1) {
    alternatives.push_back(digits.between(low.value + 1, high.value - 1) + fraction);
  }
  const Sequence whole_low = builder.literal(std::to_string(low.value));
  if (low.value == high.value) return whole_low + zeros;
  if (!low.exclusive) {
    alternatives.push_back(whole_low + fraction);
  } else {
    std::vector<Sequence> above;
    for (uint64_t first = 0; first < places; ++first) {  // zeros before the first other digit
      above.push_back(Sequence(builder.literal(std::string(first, '0'))) + digits.digit('1', '9') +
                      digits.any(0, places - first - 1));
    }
    alternatives.push_back(whole_low + point + builder.any_of(std::move(above)));
  }
  if (!high.exclusive) alternatives.push_back(builder.literal(std::to_string(high.value)) + zeros);
  return builder.any_of(std::move(alternatives));
}

}  // namespace

Sequence integers_between(GrammarBuilder& builder, int64_t low, int64_t high) {
  Digits digits(builder);
  std::vector<Sequence> alternatives;
  if (low < 0) {
    alternatives.push_back(builder.literal("-") + digits.between(std::max<int64_t>(1, -high), -low));
  }
  if (high >= 0) alternatives.push_back(digits.between(std::max<int64_t>(0, low), high));
  return builder.any_of(std::move(alternatives));
}

Sequence numbers_between(GrammarBuilder& builder, std::optional<Bound> low, std::optional<Bound> high) {
  const auto length = [](const std::optional<Bound>& bound) {
    return bound.has_value() ? std::to_string(bound->value < 0 ? -bound->value : bound->value).size() : 1;
  };
  // A double has 15 decimal digits.
  const uint64_t places = 15 - std::min<size_t>(14, std::max(length(low), length(high)));
  const Bound from = low.value_or(Bound{-kMaxWhole, false});
  const Bound to = high.value_or(Bound{kMaxWhole, false});
  std::vector<Sequence> alternatives;
  if (from.value < 0) {
    // Minus a size from -to to -from; where zero is within, -0.0 is the same number and left to the other
    // side.
    const Bound least = to.value >= 0 ? Bound{0, true} : Bound{-to.value, to.exclusive};
    alternatives.push_back(builder.literal("-") +
                           sizes_between(builder, least, {-from.value, from.exclusive}, places));
  }
  if (to.value >= 0) {
    const Bound least = from.value < 0 ? Bound{0, false} : from;
    alternatives.push_back(sizes_between(builder, least, to, places));
  }
  return builder.any_of(std::move(alternatives));
}

}  // namespace caravan::grammar
