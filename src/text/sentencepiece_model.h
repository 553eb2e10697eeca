// SentencePiece's tokenizer.model, through the library itself.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer.h"
#include "text/tokenizer_config.h"

namespace caravan {

/// Throws Error, naming `source`, if the library refuses the file.
TokenizerParts parse_sentencepiece(std::string_view bytes, const TokenizerConfig& config,
                                   const std::string& source);

}  // namespace caravan
