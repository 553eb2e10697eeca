// A list of strings, one of which the text must be. Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "text/grammar/grammar.h"

namespace caravan::grammar {

/// Throws Error on an empty list, an empty choice, and on what check_guide_text refuses.
Grammar choice_grammar(const std::vector<std::string>& choices);

}  // namespace caravan::grammar
