// Byte-pair encoding (Sennrich et al., 2016, arXiv:1508.07909) of one word, with the rules of Hugging Face's
// tokenizers: byte fallback, unknown tokens, and words that are tokens already.
//
// Invariants: every id in the tables is a token's. Thread safety: constant once built.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace caravan {

/// Two neighbours that may become one, and what they become.
struct Merge {
  int32_t rank = 0;  ///< lower goes first
  int32_t merged = 0;
};

class BpeModel {
 public:
  std::unordered_map<std::string, int32_t> vocab;  ///< token text to id
  std::unordered_map<uint64_t, Merge> merges;      ///< pair_key() to merge
  std::optional<int32_t> unknown;                  ///< what stands for characters that nothing else covers
  bool fuse_unknown = false;                       ///< one unknown token for a run of such characters
  bool byte_fallback = false;  ///< such characters become their bytes' tokens "<0x0A>" …
  bool ignore_merges = false;  ///< a word that is a token stays whole

  static uint64_t pair_key(int32_t left, int32_t right) {
    return (uint64_t{static_cast<uint32_t>(left)} << 32U) | static_cast<uint32_t>(right);
  }

  /// Appends the ids of `word` (valid UTF-8) to `ids`. O(n log n) in its length, whatever the word.
  void encode(std::string_view word, std::vector<int32_t>& ids) const;

 private:
  /// The word's characters as ids, before any merge.
  [[nodiscard]] std::vector<int32_t> characters(std::string_view word) const;
  /// Appends the bytes' tokens of a character, if every one of them exists.
  [[nodiscard]] bool append_bytes(std::string_view character, std::vector<int32_t>& ids) const;
};

/// "<0x0A>": the token that byte fallback writes for a byte.
std::string byte_token(unsigned char byte);
/// The byte that such a token stands for, or nothing.
std::optional<unsigned char> byte_of_token(std::string_view token);

}  // namespace caravan
