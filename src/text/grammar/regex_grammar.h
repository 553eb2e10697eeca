// Regular expressions as grammar: what ECMAScript and PCRE2 agree on.
//
// Supported: literals, `.`, classes with \d \w \s \D \W \S, escapes \t \n \r \f \v \0 \xHH \x{H…} \uHHHH
// \u{H…}, groups (capturing, (?:…) and named, which all only group), `|`, the quantifiers * + ? {m} {m,}
// {m,n} and their lazy forms, which for a whole match mean the same, and ^ and $ at the ends of the outermost
// alternatives. \d, \w, \D and
// \W go by ASCII, as in ECMAScript and in PCRE2 without UCP; \s is ASCII's spaces, but \S leaves out
// Unicode's, too, and `.` every line end, so that what is generated matches in either dialect. Look-around,
// back-references, \b, \p, inline flags and possessive or atomic groups are refused by name. Thread safety:
// pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "text/grammar/grammar.h"

namespace caravan::grammar {

enum class RegexMatch {
  kWhole,   ///< the text is one match; ^ and $ change nothing
  kWithin,  ///< the text has a match (as in JSON schemas): where ^ or $ is missing, anything may stand around
            ///< it
};

/// How one character out of a normalized set is written in the text.
using WriteChar = std::function<Sequence(const CharRanges&)>;

/// Throws Error, naming `source` and the byte, on what is malformed or not supported.
Sequence regex_sequence(GrammarBuilder& builder, std::string_view pattern, RegexMatch match,
                        const WriteChar& write, const std::string& source);

/// The text is one match of `pattern`.
Grammar regex_grammar(std::string_view pattern);

}  // namespace caravan::grammar
