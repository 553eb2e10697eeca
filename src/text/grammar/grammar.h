// The one internal form of every guide: a context-free grammar over bytes.
//
// Front ends (gbnf.h, json_schema.h, regex_grammar.h, choice.h) build it with a GrammarBuilder, which keeps
// the limits; program.h checks it and lays it out for matching. Invariants: every index is in range. A rule
// without alternatives matches nothing, or the empty text where it may be left out. Thread safety: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/char_ranges.h"

namespace caravan::grammar {

/// One byte out of a set, or all that a rule matches.
struct Symbol {
  bool is_rule = false;
  uint32_t index = 0;  ///< into Grammar::rules or Grammar::sets
  bool operator==(const Symbol&) const = default;
};
using Sequence = std::vector<Symbol>;

/// How often something stands in a row.
struct Repetition {
  static constexpr uint32_t kNoEnd = UINT32_MAX;
  uint32_t min = 1;
  uint32_t max = 1;  ///< at least 1 and min
};

/// Any of the alternatives, one after the other as often as `times` says. Repetitions are counted while
/// matching and not written out, so that a large one is as small as any other.
struct Rule {
  std::string name;  ///< "" where the front end made it up
  std::vector<Sequence> alternatives;
  Repetition times = {};
};

struct Grammar {
  std::string source;  ///< for messages: "the grammar", "the JSON schema" …
  std::vector<ByteSet> sets;
  std::vector<Rule> rules;
  uint32_t root = 0;
};

/// Larger than any real guide: a schema of 1,000 properties needs about 30,000 symbols.
constexpr size_t kMaxGuideBytes = 512 * 1024;
constexpr size_t kMaxSymbols = 400'000;
constexpr size_t kMaxRules = 200'000;
constexpr uint64_t kMaxRepetition = 10'000;
/// Groups within groups; keeps the front ends' recursion off the stack's end.
constexpr int kMaxNesting = 100;

/// Throws Error if `text` is not valid UTF-8 or is longer than kMaxGuideBytes.
void check_guide_text(std::string_view text, const std::string& source);

class GrammarBuilder {
 public:
  explicit GrammarBuilder(std::string source) { grammar_.source = std::move(source); }

  /// A rule to be defined later, for references to come.
  uint32_t declare(std::string name = {});
  void define(uint32_t rule, std::vector<Sequence> alternatives, Repetition times = {});
  static Sequence rule(uint32_t index) { return {{.is_rule = true, .index = index}}; }

  /// One byte out of `set`.
  Sequence bytes(const ByteSet& set);
  /// Exactly these bytes.
  Sequence literal(std::string_view text);
  /// The UTF-8 form of one code point of a normalized set; of an empty one, nothing at all matches.
  Sequence chars(const CharRanges& ranges);
  /// Any of the alternatives; of none, nothing matches.
  Sequence any_of(std::vector<Sequence> alternatives);
  Sequence optional(Sequence part) { return any_of({std::move(part), {}}); }
  /// `part` from `min` to `max` times, without `max` any number from `min`. Throws Error on max < min and
  /// above kMaxRepetition.
  Sequence repeat(Sequence part, uint64_t min, std::optional<uint64_t> max);

  [[nodiscard]] const std::string& source() const { return grammar_.source; }
  /// The grammar; the builder is empty afterwards.
  Grammar take(uint32_t root);

 private:
  Grammar grammar_;
  size_t symbols_ = 0;
  std::map<std::string, uint32_t> sets_;  ///< by their bits
  std::map<CharRanges, Sequence> chars_;
};

/// `a` and then `b`.
Sequence operator+(Sequence a, const Sequence& b);

}  // namespace caravan::grammar
