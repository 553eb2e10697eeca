// The filters of filters.h on numbers and single values.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "text/jinja/filters.h"
#include "text/jinja/number_text.h"
#include "text/jinja/operators.h"
#include "text/jinja/parameters.h"

namespace caravan::jinja {

namespace {

const Value& number(const Value& input, const char* filter) {
  if (input.is_undefined()) problem(input.reason());
  if (!input.is_number()) problem(filter, " takes a number, not a ", input.type_name());
  return input;
}

Value absolute(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const Parameters parameters("abs", arguments, {});
  if (const double* real = number(input, "abs").as_real()) return Value::real(std::fabs(*real));
  return *input.integral() < 0 ? negated(input) : Value::integer(*input.integral());
}

/// int(float(value)), where int(value) failed.
std::optional<int64_t> whole_of_text(const std::string& text) {
  const auto real = parse_real(text);
  return real ? whole_part(*real) : std::nullopt;
}

Value to_integer(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("int", arguments, {"default", "base"});
  if (input.is_undefined()) problem(input.reason());
  std::optional<int64_t> integer = input.integral();
  if (const double* real = input.as_real()) integer = whole_part(*real);
  if (const std::string* text = input.as_text()) {
    budget.bytes(text->size());
    integer = parse_integer(*text, parameters.integer(1, 10));
    if (!integer) integer = whole_of_text(*text);
  }
  if (integer) return Value::integer(*integer);
  return parameters.find(0) == nullptr ? Value::integer(0) : parameters.at(0);
}

Value to_real(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("float", arguments, {"default"});
  if (input.is_undefined()) problem(input.reason());
  if (input.is_number()) return Value::real(input.to_real());
  if (const std::string* text = input.as_text()) {
    budget.bytes(text->size());
    if (const auto real = parse_real(*text)) return Value::real(*real);
  }
  return parameters.find(0) == nullptr ? Value::real(0) : parameters.at(0);
}

/// An integer rounded to tens, hundreds …, half to even.
Value rounded_integer(int64_t value, int64_t digits, Budget& budget) {
  if (digits >= 0) return Value::integer(value);
  // 10^19 is beyond any int64, and a half of it too.
  if (digits < -18) return Value::integer(0);
  int64_t unit = 1;
  for (int64_t i = 0; i < -digits; ++i) unit *= 10;
  const int64_t rest = value % unit < 0 ? value % unit + unit : value % unit;
  int64_t down = 0;
  if (__builtin_sub_overflow(value, rest, &down)) problem("the result of round is an integer beyond 64 bits");
  const bool is_odd = (down / unit) % 2 != 0;
  if (rest < unit - rest || (rest == unit - rest && !is_odd)) return Value::integer(down);
  return apply(BinaryOperator::kAdd, Value::integer(down), Value::integer(unit), budget);
}

Value round(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("round", arguments, {"precision", "method"});
  number(input, "round");
  const int64_t precision = parameters.integer(0, 0);
  const std::string method = parameters.text(1) == nullptr ? "common" : *parameters.text(1);
  if (method != "common" && method != "ceil" && method != "floor")
    problem("the method of round is common, ceil or floor, not '", method, "'");
  if (method == "common") {
    const auto integer = input.integral();
    if (integer) return rounded_integer(*integer, precision, budget);
    return Value::real(rounded(*input.as_real(), precision));
  }
  const Value unit = apply(BinaryOperator::kPower, Value::integer(10), Value::integer(precision), budget);
  const Value scaled = apply(BinaryOperator::kMultiply, input, unit, budget);
  Value whole = scaled;
  if (const double* real = scaled.as_real()) {
    const auto part = whole_part(method == "ceil" ? std::ceil(*real) : std::floor(*real));
    if (!part) problem("round takes a finite number");
    whole = Value::integer(*part);
  }
  return apply(BinaryOperator::kDivide, whole, unit, budget);
}

Value otherwise(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const Parameters parameters("default", arguments, {"default_value", "boolean"});
  const bool replaces = input.is_undefined() || (parameters.truth(1, false) && !is_true(input));
  if (!replaces) return input;
  return parameters.find(0) == nullptr ? Value::text("") : parameters.at(0);
}

constexpr std::array<std::pair<std::string_view, FilterFunction>, 6> kFilters{{
    {"abs", absolute},
    {"d", otherwise},
    {"default", otherwise},
    {"float", to_real},
    {"int", to_integer},
    {"round", round},
}};

}  // namespace

FilterFunction find_number_filter(std::string_view name) {
  const auto* found =
      std::find_if(kFilters.begin(), kFilters.end(), [name](const auto& row) { return row.first == name; });
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace caravan::jinja
