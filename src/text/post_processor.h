// What a tokenizer puts around every text: the "post_processor" of tokenizer.json.
// Thread safety: a pure function.
#pragma once

#include <string>

#include "base/json.h"
#include "text/tokenizer.h"

namespace caravan {

/// Sets the prefix and suffix of `parts`: TemplateProcessing, ByteLevel (which adds nothing) and Sequence of
/// them. Throws Error, naming `source` and the type, on any other.
void parse_post_processor(const Json& json, const std::string& source, TokenizerParts& parts);

}  // namespace caravan
