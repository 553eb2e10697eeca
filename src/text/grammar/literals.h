// A list of strings as a grammar that reads what they have in common once. Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "text/grammar/grammar.h"

namespace caravan::grammar {

/// Exactly one of `texts`. However many there are, a state has one stack of them.
Sequence any_literal(GrammarBuilder& builder, std::vector<std::string> texts);

}  // namespace caravan::grammar
