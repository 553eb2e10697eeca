// The comparisons of operators.h.
#include <cmath>

#include "text/jinja/operators.h"

namespace caravan::jinja {

namespace {

/// -1, 0 or 1, or 2 where one is NaN. Exact, as Python is: an integer beyond 2^53 has no double of its own.
int order_of(int64_t integer, double real) {
  if (std::isnan(real)) return 2;
  // 2^63, the first double above every int64.
  constexpr double kTooLarge = 9223372036854775808.0;
  if (real >= kTooLarge) return -1;
  if (real < -kTooLarge) return 1;
  const double whole = std::trunc(real);
  const auto truncated = static_cast<int64_t>(whole);
  if (integer != truncated) return integer < truncated ? -1 : 1;
  if (real == whole) return 0;
  return real > whole ? -1 : 1;
}

int order_of_numbers(const Value& left, const Value& right) {
  const auto a = left.integral();
  const auto b = right.integral();
  if (a && b) return *a == *b ? 0 : (*a < *b ? -1 : 1);
  if (a) return order_of(*a, right.to_real());
  if (b) {
    const int order = order_of(*b, left.to_real());
    return order == 2 ? 2 : -order;
  }
  const double x = left.to_real();
  const double y = right.to_real();
  if (std::isnan(x) || std::isnan(y)) return 2;
  return x == y ? 0 : (x < y ? -1 : 1);
}

bool are_equal_sequences(const Sequence& a, const Sequence& b, Budget& budget) {
  const bool ordered =
      a.kind == SequenceKind::kList || a.kind == SequenceKind::kTuple || a.kind == SequenceKind::kRange;
  if (!ordered || a.kind != b.kind || a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i)
    if (!are_equal(a.items[i], b.items[i], budget)) return false;
  return true;
}

bool are_equal_dicts(const Dict& a, const Dict& b, Budget& budget) {
  if (a.items().size() != b.items().size()) return false;
  for (const auto& [key, value] : a.items()) {
    const Value* other = b.find(key, budget);
    if (other == nullptr || !are_equal(value, *other, budget)) return false;
  }
  return true;
}

/// Whether left comes before right, given that both are lists or both are tuples.
bool is_less_sequence(const Sequence& a, const Sequence& b, Budget& budget) {
  const size_t common = std::min(a.items.size(), b.items.size());
  for (size_t i = 0; i < common; ++i)
    if (!are_equal(a.items[i], b.items[i], budget)) return is_less(a.items[i], b.items[i], budget);
  return a.items.size() < b.items.size();
}

/// Whether two values have an order between them; Problem where Python has none.
void check_ordered(const Value& left, const Value& right) {
  for (const Value* side : {&left, &right})
    if (side->is_undefined()) problem(side->reason());
  if (left.is_number() && right.is_number()) return;
  if (left.as_text() != nullptr && right.as_text() != nullptr) return;
  for (const SequenceKind kind : {SequenceKind::kList, SequenceKind::kTuple})
    if (left.as_sequence(kind) != nullptr && right.as_sequence(kind) != nullptr) return;
  problem("a ", left.type_name(), " and a ", right.type_name(), " have no order");
}

bool is_at_most(const Value& left, const Value& right, Budget& budget) {
  return is_less(left, right, budget) || are_equal(left, right, budget);
}

}  // namespace

bool are_equal(const Value& left, const Value& right, Budget& budget) {
  const Descent descent(budget);
  budget.steps();
  if (left.same_as(right)) return true;
  if (left.is_undefined() || right.is_undefined()) return left.is_undefined() && right.is_undefined();
  if (left.is_none() || right.is_none()) return left.is_none() && right.is_none();
  if (left.is_number() && right.is_number()) return order_of_numbers(left, right) == 0;
  const std::string* text = left.as_text();
  if (text != nullptr && right.as_text() != nullptr) return *text == *right.as_text();
  const Sequence* sequence = left.as_sequence();
  if (sequence != nullptr && right.as_sequence() != nullptr)
    return are_equal_sequences(*sequence, *right.as_sequence(), budget);
  const Dict* dict = left.as_dict();
  return dict != nullptr && right.as_dict() != nullptr && are_equal_dicts(*dict, *right.as_dict(), budget);
}

bool is_less(const Value& left, const Value& right, Budget& budget) {
  const Descent descent(budget);
  budget.steps();
  check_ordered(left, right);
  if (left.is_number()) return order_of_numbers(left, right) == -1;
  // The order of UTF-8 bytes is that of code points.
  if (left.as_text() != nullptr) return *left.as_text() < *right.as_text();
  return is_less_sequence(*left.as_sequence(), *right.as_sequence(), budget);
}

bool contains(const Value& container, const Value& item, Budget& budget) {
  if (const std::string* text = container.as_text()) {
    const std::string* part = item.as_text();
    if (part == nullptr) problem("only a text can be in a text, not a ", item.type_name());
    budget.steps(text->size() / 64);
    return text->find(*part) != std::string::npos;
  }
  if (const Dict* dict = container.as_dict()) return dict->find(item, budget) != nullptr;
  if (container.as_sequence() == nullptr && !container.is_undefined())
    problem("nothing can be in a ", container.type_name());
  for (const Value& candidate : iterate(container, budget))
    if (are_equal(candidate, item, budget)) return true;
  return false;
}

bool compare(Comparison op, const Value& left, const Value& right, Budget& budget) {
  switch (op) {
    case Comparison::kEqual:
      return are_equal(left, right, budget);
    case Comparison::kNotEqual:
      return !are_equal(left, right, budget);
    case Comparison::kLess:
      return is_less(left, right, budget);
    case Comparison::kLessEqual:
      return is_at_most(left, right, budget);
    case Comparison::kGreater:
      return is_less(right, left, budget);
    case Comparison::kGreaterEqual:
      return is_at_most(right, left, budget);
    case Comparison::kIn:
      return contains(right, left, budget);
    case Comparison::kNotIn:
      return !contains(right, left, budget);
  }
  return false;
}

}  // namespace caravan::jinja
