// tokenizer.json: Hugging Face's description of a tokenizer, as far as BPE tokenizers use it.
// Thread safety: a pure function.
#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace caravan {

/// Throws Error, naming `source` and the field, on what is malformed, contradictory, or a component that
/// Caravan does not have: nothing in the file is passed over.
TokenizerParts parse_tokenizer_json(std::string_view text, const std::string& source);

}  // namespace caravan
