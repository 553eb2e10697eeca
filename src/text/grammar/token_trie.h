// A vocabulary as a trie of the tokens' bytes, so that tokens that begin alike are tested together.
//
// Bytes count as they are: a SentencePiece token's leading space too, since what is guided continues a prompt
// (only at the very beginning of a text would a tokenizer leave it out), and a byte-fallback token is its one
// byte. Special tokens and those without bytes are in no trie. Thread safety: constant once built.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace caravan {

class TokenTrie {
 public:
  /// One place of the trie. They stand in preorder: the first child follows, what is below ends at `end`.
  struct Node {
    uint32_t end = 0;          ///< the next node that is not below this one
    uint32_t first_token = 0;  ///< in tokens(); the next node's is one past the last
    uint32_t depth = 0;        ///< bytes up to here, 1 at the top
    uint8_t byte = 0;
  };

  explicit TokenTrie(const Tokenizer& tokenizer);
  /// By id; "" for a token that is never allowed.
  explicit TokenTrie(std::vector<std::string> bytes_by_id);

  [[nodiscard]] int32_t vocab_size() const { return static_cast<int32_t>(bytes_.size()); }
  /// 64-bit words of a mask with one bit for each token.
  [[nodiscard]] size_t mask_words() const { return (bytes_.size() + 63) / 64; }
  /// What the token adds to a text; "" for one that is never allowed, and outside the vocabulary.
  [[nodiscard]] std::string_view bytes_of(int32_t id) const;

  /// The last one is no place, but the end of the tokens of the one before.
  [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }
  [[nodiscard]] std::span<const int32_t> tokens() const { return tokens_; }
  [[nodiscard]] uint32_t max_depth() const { return max_depth_; }

 private:
  std::vector<std::string> bytes_;
  std::vector<Node> nodes_;
  std::vector<int32_t> tokens_;
  uint32_t max_depth_ = 0;
};

}  // namespace caravan
