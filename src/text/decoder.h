// From tokens back to bytes: what a "decoder" of tokenizer.json, or SentencePiece's rules, make of each
// token. Thread safety: constant once built.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace caravan {

/// What one token adds to a text.
struct TokenBytes {
  std::string bytes;
  /// A byte-fallback token: its byte counts only as part of a run that is valid UTF-8.
  bool raw_byte = false;
};

struct DecodeRules {
  std::vector<std::pair<std::string, std::string>> replacements;  ///< on each token's text, in order
  bool byte_level = false;           ///< tokens are written in byte_level.h's alphabet
  bool byte_fallback = false;        ///< "<0x0A>" is a byte
  bool strip_leading_space = false;  ///< one space at the very beginning of a text is left out

  /// What `token` adds.
  [[nodiscard]] TokenBytes bytes_of(const std::string& token) const;
};

/// Reads a "decoder" object: Sequence, Replace, ByteFallback, Fuse, Strip, ByteLevel, Metaspace. Throws
/// Error, naming `source` and the type, on any other.
DecodeRules parse_decoder(const Json& json, const std::string& source);

/// SentencePiece's own: marks are spaces, bytes fall back, and the space that it put before a text is left
/// out.
DecodeRules sentencepiece_rules(bool strip_leading_space);

}  // namespace caravan
