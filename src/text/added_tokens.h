// Tokens that are looked for in the text itself, before any model cuts it: special tokens, and others added
// later. Thread safety: constant once built.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace caravan {

/// As "added_tokens" of tokenizer.json describes one.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;
  bool single_word = false;  ///< not inside a word
  bool lstrip = false;       ///< takes the spaces before it with it
  bool rstrip = false;       ///< takes the spaces after it with it
  bool normalized = false;   ///< looked for in the normalized text
};

/// A part of a text: an added token, or text between two of them.
struct Segment {
  std::optional<int32_t> token;
  size_t begin = 0;
  size_t end = 0;
};

/// Finds a set of added tokens in texts, in time linear in the text (times the longest token).
class AddedTokenFinder {
 public:
  /// Looks for `pattern` from now on, and means `token` by it.
  void add(const std::string& pattern, const AddedToken& token);

  /// All of `text` as segments, in order, none empty: at each place the longest token wins. Without
  /// `parse_special` special tokens are taken for text.
  [[nodiscard]] std::vector<Segment> split(std::string_view text, bool parse_special) const;

 private:
  /// The token whose pattern is the longest at `at`, or nullptr.
  [[nodiscard]] const AddedToken* longest_at(std::string_view text, size_t at, size_t& length) const;

  std::unordered_map<std::string, AddedToken> by_pattern_;
  /// The lengths of the patterns that begin with each byte, longest first.
  std::array<std::vector<size_t>, 256> lengths_;
};

}  // namespace caravan
