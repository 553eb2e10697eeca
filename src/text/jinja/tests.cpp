#include "text/jinja/tests.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/parameters.h"
#include "text/jinja/text_form.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

/// A test of the value alone.
template <bool (*holds)(const Value&)>
bool property(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const Parameters parameters("this test", arguments, {});
  return holds(input);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_string(const Value& value) { return value.as_text() != nullptr; }
bool is_number(const Value& value) { return value.is_number(); }
bool is_integer(const Value& value) { return value.as_integer() != nullptr; }
bool is_float(const Value& value) { return value.as_real() != nullptr; }
bool is_boolean(const Value& value) { return value.as_boolean() != nullptr; }
bool is_mapping(const Value& value) { return value.as_dict() != nullptr; }
bool is_true_itself(const Value& value) { return value.as_boolean() != nullptr && *value.as_boolean(); }
bool is_false_itself(const Value& value) { return value.as_boolean() != nullptr && !*value.as_boolean(); }
bool is_iterable(const Value& value) {
  return value.is_undefined() || value.as_text() != nullptr || value.as_sequence() != nullptr ||
         value.as_dict() != nullptr;
}
bool is_sequence(const Value& value) {
  const Sequence* sequence = value.as_sequence();
  const bool has_elements = sequence != nullptr && (sequence->kind == SequenceKind::kList ||
                                                    sequence->kind == SequenceKind::kTuple ||
                                                    sequence->kind == SequenceKind::kRange);
  return value.is_undefined() || value.as_text() != nullptr || value.as_dict() != nullptr || has_elements;
}
bool is_callable(const Value& value) {
  // jinja2's undefined values have a method for being called, which fails; callable() is true of them.
  return value.is_undefined() || (value.as_object() != nullptr && value.as_object()->is_callable());
}

template <Comparison op>
bool compared(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("this test", arguments, {"other"}, 1);
  return compare(op, input, parameters.at(0), budget);
}

bool has_remainder(const Value& input, int64_t divisor, int64_t remainder, Budget& budget) {
  const Value found = apply(BinaryOperator::kModulo, input, Value::integer(divisor), budget);
  return are_equal(found, Value::integer(remainder), budget);
}

bool odd(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("odd", arguments, {});
  return has_remainder(input, 2, 1, budget);
}

bool even(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("even", arguments, {});
  return has_remainder(input, 2, 0, budget);
}

bool divisible_by(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("divisibleby", arguments, {"num"}, 1);
  const Value remainder = apply(BinaryOperator::kModulo, input, parameters.at(0), budget);
  return are_equal(remainder, Value::integer(0), budget);
}

template <Case wanted>
bool has_case(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("this test", arguments, {});
  bool any = false;
  for (const char32_t letter : decode(to_text(input, budget))) {
    const Case found = case_of(letter);
    if (found != Case::kNone && found != wanted) return false;
    any = any || found == wanted;
  }
  return any;
}

/// Python's `is`. Numbers and texts have no identity here; equal ones of one type count as the same.
bool same_as(const Value& input, const Arguments& arguments, Budget& budget) {
  const Parameters parameters("sameas", arguments, {"other"}, 1);
  const Value& other = parameters.at(0);
  const bool is_container =
      input.as_sequence() != nullptr || input.as_dict() != nullptr || input.as_object() != nullptr;
  if (is_container) return input.same_as(other);
  return input.type_name() == other.type_name() && are_equal(input, other, budget);
}

bool is_filter(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const Parameters parameters("filter", arguments, {});
  return input.as_text() != nullptr && find_filter(*input.as_text()) != nullptr;
}

bool is_test(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const Parameters parameters("test", arguments, {});
  return input.as_text() != nullptr && find_test(*input.as_text()) != nullptr;
}

constexpr std::array<std::pair<std::string_view, TestFunction>, 38> kTests{{
    {"boolean", property<is_boolean>},
    {"callable", property<is_callable>},
    {"defined", property<is_defined>},
    {"divisibleby", divisible_by},
    {"eq", compared<Comparison::kEqual>},
    {"equalto", compared<Comparison::kEqual>},
    {"==", compared<Comparison::kEqual>},
    {"even", even},
    {"false", property<is_false_itself>},
    {"filter", is_filter},
    {"float", property<is_float>},
    {"ge", compared<Comparison::kGreaterEqual>},
    {">=", compared<Comparison::kGreaterEqual>},
    {"greaterthan", compared<Comparison::kGreater>},
    {"gt", compared<Comparison::kGreater>},
    {">", compared<Comparison::kGreater>},
    {"in", compared<Comparison::kIn>},
    {"integer", property<is_integer>},
    {"iterable", property<is_iterable>},
    {"le", compared<Comparison::kLessEqual>},
    {"<=", compared<Comparison::kLessEqual>},
    {"lessthan", compared<Comparison::kLess>},
    {"lt", compared<Comparison::kLess>},
    {"<", compared<Comparison::kLess>},
    {"lower", has_case<Case::kLower>},
    {"mapping", property<is_mapping>},
    {"ne", compared<Comparison::kNotEqual>},
    {"!=", compared<Comparison::kNotEqual>},
    {"none", property<is_none>},
    {"number", property<is_number>},
    {"odd", odd},
    {"sameas", same_as},
    {"sequence", property<is_sequence>},
    {"string", property<is_string>},
    {"test", is_test},
    {"true", property<is_true_itself>},
    {"undefined", property<is_undefined>},
    {"upper", has_case<Case::kUpper>},
}};

}  // namespace

TestFunction find_test(std::string_view name) {
  const auto* found =
      std::find_if(kTests.begin(), kTests.end(), [name](const auto& row) { return row.first == name; });
  return found == kTests.end() ? nullptr : found->second;
}

}  // namespace caravan::jinja
