// Regular expressions as tokenizer.json files write them (Oniguruma's dialect), on PCRE2.
// Thread safety: a Regex may be used from one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace caravan {

/// A part of a text: byte offsets, end exclusive.
struct TextSpan {
  size_t begin = 0;
  size_t end = 0;
};

class Regex {
 public:
  /// Throws Error, naming `source` and the pattern, if it cannot be compiled.
  Regex(const std::string& pattern, const std::string& source);

  /// Every non-overlapping match in `text`, which must be valid UTF-8, from left to right. Matches of nothing
  /// are left out. Throws Error if the pattern needs more steps on this text than PCRE2 allows.
  [[nodiscard]] std::vector<TextSpan> find_all(std::string_view text) const;

 private:
  struct Compiled;
  std::shared_ptr<Compiled> compiled_;
};

}  // namespace caravan
