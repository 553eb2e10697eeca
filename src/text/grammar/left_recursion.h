// Finds rules that begin with themselves, which a matcher from left to right could expand for ever.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "text/grammar/grammar.h"

namespace caravan::grammar {

/// A rule that can begin with itself and have something after it; nothing if there is none. `nullable`: by
/// rule, whether it matches the empty text. A rule that is the whole of its own alternative adds nothing to
/// the stack of a matcher, and is none.
std::optional<uint32_t> left_recursive_rule(const Grammar& grammar, const std::vector<bool>& nullable);

}  // namespace caravan::grammar
