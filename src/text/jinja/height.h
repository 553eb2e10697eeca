// How high a syntax tree is, which bounds every recursion over it.
// Thread safety: pure functions.
#pragma once

#include "text/jinja/syntax.h"

namespace caravan::jinja {

/// One more than the highest child. Problem at `expression.line` where that is above kMaxNesting.
int height_of(const Expression& expression);
int height_of(const Statement& statement);

}  // namespace caravan::jinja
