#include "text/jinja/operators.h"

#include <cmath>
#include <limits>

#include "text/jinja/text_form.h"

namespace caravan::jinja {

namespace {

const char* symbol(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::kAdd:
      return "+";
    case BinaryOperator::kSubtract:
      return "-";
    case BinaryOperator::kMultiply:
      return "*";
    case BinaryOperator::kDivide:
      return "/";
    case BinaryOperator::kFloorDivide:
      return "//";
    case BinaryOperator::kModulo:
      return "%";
    case BinaryOperator::kPower:
      return "**";
  }
  return "?";
}

[[noreturn]] void overflow(BinaryOperator op) {
  problem("the result of ", symbol(op), " is an integer beyond 64 bits");
}

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t floor_modulo(int64_t a, int64_t b) {
  const int64_t remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

int64_t power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
      overflow(BinaryOperator::kPower);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow(BinaryOperator::kPower);
  }
  return result;
}

Value on_reals(BinaryOperator op, double a, double b) {
  const bool divides =
      op == BinaryOperator::kDivide || op == BinaryOperator::kFloorDivide || op == BinaryOperator::kModulo;
  if (divides && b == 0) problem("division by zero");
  switch (op) {
    case BinaryOperator::kAdd:
      return Value::real(a + b);
    case BinaryOperator::kSubtract:
      return Value::real(a - b);
    case BinaryOperator::kMultiply:
      return Value::real(a * b);
    case BinaryOperator::kDivide:
      return Value::real(a / b);
    case BinaryOperator::kFloorDivide:
    case BinaryOperator::kModulo: {
      // As Python's float_divmod: the remainder has the sign of the divisor, the quotient is its whole part.
      double remainder = std::fmod(a, b);
      double quotient = (a - remainder) / b;
      if (remainder != 0 && (b < 0) != (remainder < 0)) {
        remainder += b;
        quotient -= 1;
      } else if (remainder == 0) {
        remainder = std::copysign(0.0, b);
      }
      if (op == BinaryOperator::kModulo) return Value::real(remainder);
      if (quotient == 0) return Value::real(std::copysign(0.0, a / b));
      const double whole = std::floor(quotient);
      return Value::real(quotient - whole > 0.5 ? whole + 1 : whole);
    }
    case BinaryOperator::kPower: {
      if (a == 0 && b < 0) problem("zero cannot be raised to a negative power");
      if (a < 0 && std::isfinite(a) && std::isfinite(b) && std::floor(b) != b)
        problem("a negative number raised to a fraction is a complex number, which templates do not have");
      const double result = std::pow(a, b);
      if (std::isinf(result) && std::isfinite(a) && std::isfinite(b))
        problem("the result of ** is too large");
      return Value::real(result);
    }
  }
  return {};
}

Value on_integers(BinaryOperator op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case BinaryOperator::kAdd:
      if (__builtin_add_overflow(a, b, &result)) overflow(op);
      return Value::integer(result);
    case BinaryOperator::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) overflow(op);
      return Value::integer(result);
    case BinaryOperator::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) overflow(op);
      return Value::integer(result);
    case BinaryOperator::kFloorDivide:
    case BinaryOperator::kModulo:
      if (b == 0) problem("division by zero");
      // The one quotient that overflows, and whose remainder traps as well.
      if (b == -1) {
        if (op == BinaryOperator::kModulo) return Value::integer(0);
        if (a == std::numeric_limits<int64_t>::min()) overflow(op);
        return Value::integer(-a);
      }
      return Value::integer(op == BinaryOperator::kFloorDivide ? floor_divide(a, b) : floor_modulo(a, b));
    case BinaryOperator::kPower:
      if (b >= 0) return Value::integer(power(a, b));
      return on_reals(op, static_cast<double>(a), static_cast<double>(b));
    case BinaryOperator::kDivide:
      return on_reals(op, static_cast<double>(a), static_cast<double>(b));
  }
  return {};
}

Value repeated(const std::string& text, int64_t times, Budget& budget) {
  const size_t count = times > 0 && !text.empty() ? static_cast<size_t>(times) : 0;
  budget.bytes(text.size(), count);
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) out += text;
  return Value::text(std::move(out));
}

Value repeated(const Sequence& sequence, int64_t times, Budget& budget) {
  const size_t count = times > 0 && !sequence.items.empty() ? static_cast<size_t>(times) : 0;
  // One step for each element; a count beyond all steps is refused before it can overflow the product.
  if (count > budget.limits().steps) budget.steps(count);
  budget.steps(sequence.items.size() * count);
  std::vector<Value> items;
  items.reserve(sequence.items.size() * count);
  for (size_t i = 0; i < count; ++i) items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  return Value::sequence(sequence.kind, std::move(items));
}

bool is_list_or_tuple(const Sequence& sequence) {
  return sequence.kind == SequenceKind::kList || sequence.kind == SequenceKind::kTuple;
}

/// list + list, tuple + tuple; nothing for another pair.
std::optional<Value> joined(const Value& left, const Value& right, Budget& budget) {
  const Sequence* a = left.as_sequence();
  const Sequence* b = right.as_sequence();
  if (a == nullptr || b == nullptr || a->kind != b->kind || !is_list_or_tuple(*a)) return std::nullopt;
  budget.steps(a->items.size() + b->items.size());
  std::vector<Value> items = a->items;
  items.insert(items.end(), b->items.begin(), b->items.end());
  return Value::sequence(a->kind, std::move(items));
}

std::optional<Value> multiplied(const Value& value, const Value& times, Budget& budget) {
  const auto count = times.integral();
  if (!count) return std::nullopt;
  if (const std::string* text = value.as_text()) return repeated(*text, *count, budget);
  const Sequence* sequence = value.as_sequence();
  if (sequence != nullptr && is_list_or_tuple(*sequence)) return repeated(*sequence, *count, budget);
  return std::nullopt;
}

}  // namespace

Value apply(BinaryOperator op, const Value& left, const Value& right, Budget& budget) {
  for (const Value* side : {&left, &right}) {
    if (side->is_undefined() && !(op == BinaryOperator::kModulo && left.as_text() != nullptr))
      problem(side->reason());
  }
  const auto a = left.integral();
  const auto b = right.integral();
  if (a && b) return on_integers(op, *a, *b);
  if (left.is_number() && right.is_number()) return on_reals(op, left.to_real(), right.to_real());
  if (op == BinaryOperator::kAdd) {
    if (left.as_text() != nullptr && right.as_text() != nullptr) return concatenated(left, right, budget);
    if (auto sum = joined(left, right, budget)) return *sum;
  }
  if (op == BinaryOperator::kMultiply) {
    if (auto product = multiplied(left, right, budget)) return *product;
    if (auto product = multiplied(right, left, budget)) return *product;
  }
  if (op == BinaryOperator::kModulo && left.as_text() != nullptr)
    return Value::text(percent_format(*left.as_text(), right, budget));
  problem("the operator ", symbol(op), " does not take a ", left.type_name(), " and a ", right.type_name());
}

Value negated(const Value& value) {
  if (value.is_undefined()) problem(value.reason());
  if (const auto integer = value.integral()) return on_integers(BinaryOperator::kSubtract, 0, *integer);
  if (const double* real = value.as_real()) return Value::real(-*real);
  problem("a ", value.type_name(), " has no negative");
}

Value affirmed(const Value& value) {
  if (value.is_undefined()) problem(value.reason());
  if (const auto integer = value.integral()) return Value::integer(*integer);
  if (value.as_real() != nullptr) return value;
  problem("the sign + does not take a ", value.type_name());
}

Value concatenated(const Value& left, const Value& right, Budget& budget) {
  return Value::text(to_text(left, budget) + to_text(right, budget));
}

}  // namespace caravan::jinja
