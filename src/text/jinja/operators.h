// Python's operators on values, and its exceptions as Problems.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "text/jinja/value.h"

namespace caravan::jinja {

enum class BinaryOperator { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };

/// Integers are of 64 bits, and a result beyond them is a Problem.
Value apply(BinaryOperator op, const Value& left, const Value& right, Budget& budget);
Value negated(const Value& value);
/// Unary plus.
Value affirmed(const Value& value);
/// Both as text, one after the other (the operator ~).
Value concatenated(const Value& left, const Value& right, Budget& budget);

bool compare(Comparison op, const Value& left, const Value& right, Budget& budget);
bool are_equal(const Value& left, const Value& right, Budget& budget);
/// Python's `<`; Problem where the two have no order.
bool is_less(const Value& left, const Value& right, Budget& budget);
bool contains(const Value& container, const Value& item, Budget& budget);

/// `format % arguments` of texts: %s %r %d %i %x %X %o %f %F %e %E %g %G %c and %%, with flags, width and
/// precision.
std::string percent_format(const std::string& format, const Value& arguments, Budget& budget);

}  // namespace caravan::jinja
