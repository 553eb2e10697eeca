// LLaMA-3's own tokenizer.model: a line for each token, its bytes in base64 and its rank.
// Reference: the tokenizer of Meta's llama-models repository, for the pattern and the special tokens.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace caravan {

/// Whether a tokenizer.model is such a list; a SentencePiece model is binary.
bool is_tiktoken(std::string_view bytes);

/// Throws Error, naming `source` and the line, on what is malformed.
TokenizerParts parse_tiktoken(std::string_view bytes, const std::string& source);

}  // namespace caravan
