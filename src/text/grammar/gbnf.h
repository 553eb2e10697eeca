// Grammars as llama.cpp writes them (GBNF).
//
//   root   ::= "yes" | "no" reason?    # alternatives; a comment
//   reason ::= ", " [a-z ]{1,40}
//
// Rules NAME ::= …, names of letters, digits, - and _; the text is what `root` matches. Literals "…" and
// classes […], [^…] with the escapes \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH, `.` for any
// character, groups (…),
// `|`, and * + ? {m} {m,} {m,n} after a literal, class, group or rule. A new line ends a rule, but not inside
// a group or after or before `|`. Left recursion, a rule that is not defined, defined twice, or can match no
// finite text, and references to tokens (<…>) are refused. Thread safety: pure functions.
#pragma once

#include <string_view>

#include "text/grammar/grammar.h"

namespace caravan::grammar {

/// Throws Error, naming the line, on what is malformed.
Grammar gbnf_grammar(std::string_view text);

}  // namespace caravan::grammar
