// JSON Schema (2020-12, and what drafts 4 to 7 and OpenAPI write alike) as grammar.
//
// Supported: type (one or several), enum, const, properties in their order, required, additionalProperties,
// items, prefixItems, minItems, maxItems, anyOf, oneOf (as anyOf), allOf (merged), $ref within the schema
// (recursive too), minLength, maxLength, pattern, format (schema_formats.h), minimum, maximum,
// exclusiveMinimum, exclusiveMaximum (whole numbers), nullable, true and false. Annotations and names that
// begin with x- are ignored; any other keyword is refused by name. Every text that is generated fulfils the
// schema (oneOf aside); not every text that fulfils it is generated: see json_text.h, and
// - without "type", keywords of some types stand for those types; without additionalProperties, an object
// that
//   lists properties has no others, and without items, an array that lists prefixItems has no others;
// - members come in the order of "properties"; a name that is only required comes last.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "text/grammar/grammar.h"

namespace caravan::grammar {

/// Throws Error, naming the place in the schema.
Grammar json_schema_grammar(const std::string& text);

}  // namespace caravan::grammar
