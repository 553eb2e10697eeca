// From ids to text, one at a time: each call returns what may be shown now, never a part of a character.
// Invariants: the pieces put together are what Tokenizer::decode gives for all ids at once, except that a run
// of byte-fallback tokens that turns out not to be UTF-8 keeps the characters that were shown before that was
// known. Thread safety: one thread; the tokenizer must outlive it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "text/tokenizer.h"

namespace caravan {

class Detokenizer {
 public:
  /// Continues a text that begins with the tokens `before`: unless those show nothing, no leading space is
  /// left out.
  explicit Detokenizer(const Tokenizer& tokenizer, std::span<const int32_t> before = {},
                       bool skip_special = true);

  /// The text that token `id` completes; empty while a character is unfinished.
  std::string push(int32_t id);
  /// What is left when no token follows: U+FFFD for what is not a character.
  std::string flush();

 private:
  std::string shown(std::string text);

  const Tokenizer& tokenizer_;
  bool skip_special_;
  bool at_start_;
  bool pending_is_raw_ = false;  ///< pending_ comes from byte-fallback tokens
  std::string pending_;          ///< the beginning of a character
};

}  // namespace caravan
