// Characters, escapes and bracketed classes of a regular expression. Thread safety: one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/grammar/char_ranges.h"

namespace caravan::grammar {

/// Reads one character or set of characters after the other.
class RegexReader {
 public:
  RegexReader(std::string_view pattern, const std::string& source) : pattern_(pattern), source_(&source) {}

  [[nodiscard]] bool at_end() const { return at_ == pattern_.size(); }
  /// The byte here, 0 at the end.
  [[nodiscard]] char peek(size_t ahead = 0) const;
  [[nodiscard]] bool starts_with(std::string_view text) const {
    return pattern_.substr(at_).starts_with(text);
  }
  /// Goes past `text` if it stands here.
  bool take(std::string_view text);
  /// The code point here, as it is.
  char32_t character();
  /// What stands here and is no metacharacter: one character, an escape, or a class in brackets.
  CharRanges set();
  /// Decimal digits; nothing if none stand here.
  std::optional<uint64_t> number();
  [[nodiscard]] size_t offset() const { return at_; }
  void go_to(size_t offset) { at_ = offset; }

  /// Throws Error: SOURCE: at byte N: WHAT.
  [[noreturn]] void wrong(const std::string& what) const;

 private:
  /// After a backslash. `negated`: in a class that is, so that a set must be no smaller than either
  /// dialect's.
  CharRanges escape(bool negated, bool in_class);
  /// One character or escape between brackets.
  CharRanges class_item(bool negated);
  CharRanges bracketed();
  char32_t hexadecimal(char letter);
  char32_t hex_digits(size_t count, std::string_view what);

  std::string_view pattern_;
  const std::string* source_;
  size_t at_ = 0;
};

}  // namespace caravan::grammar
