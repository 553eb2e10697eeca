// The tokenizer inside a GGUF file, from the file's metadata.
// Reference: llama.cpp's llama-vocab.cpp, for what the keys mean and what holds where they are absent.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/gguf/container.h"
#include "text/tokenizer.h"

namespace caravan {

/// The types of tokens, by the numbers that tokenizer.ggml.token_type holds.
enum class GgufTokenType : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

/// Nothing if the file says that it has no tokenizer. tokenizer.ggml.model "llama" is SentencePiece's BPE by
/// scores, which encodes each piece of a text between special tokens with a space before it (where
/// add_space_prefix is not false); "gpt2" is byte-level BPE, cut by the rules that tokenizer.ggml.pre names.
/// Throws Error, naming `source` and the key, on what is missing, malformed, contradictory or not supported.
std::optional<TokenizerParts> parse_gguf_tokenizer(const GgufHeader& header, const std::string& source);

}  // namespace caravan
