#include "text/grammar/grammar.h"

#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace caravan::grammar {

void check_guide_text(std::string_view text, const std::string& source) {
  if (text.size() > kMaxGuideBytes) {
    fail(source, " has ", text.size(), " bytes, expected at most ", kMaxGuideBytes);
  }
  if (const auto invalid = utf8_first_invalid(text)) {
    fail(source, ": byte ", *invalid, " is not valid UTF-8, expected UTF-8 text");
  }
}

uint32_t GrammarBuilder::declare(std::string name) {
  if (grammar_.rules.size() >= kMaxRules) {
    fail(source(), " needs more than ", kMaxRules, " rules, expected a smaller one or smaller repetitions");
  }
  grammar_.rules.push_back({std::move(name), {}});
  return static_cast<uint32_t>(grammar_.rules.size() - 1);
}

void GrammarBuilder::define(uint32_t rule, std::vector<Sequence> alternatives) {
  for (const Sequence& sequence : alternatives) symbols_ += sequence.size() + 1;
  if (symbols_ > kMaxSymbols) {
    fail(source(), " needs more than ", kMaxSymbols,
         " symbols, expected a smaller one or smaller repetitions");
  }
  grammar_.rules[rule].alternatives = std::move(alternatives);
}

Sequence GrammarBuilder::bytes(const ByteSet& set) {
  const auto [found, is_new] = sets_.emplace(set.to_string(), static_cast<uint32_t>(grammar_.sets.size()));
  if (is_new) grammar_.sets.push_back(set);
  return {{.is_rule = false, .index = found->second}};
}

Sequence GrammarBuilder::literal(std::string_view text) {
  Sequence out;
  out.reserve(text.size());
  for (const char c : text) {
    ByteSet set;
    set.set(static_cast<unsigned char>(c));
    out.push_back(bytes(set).front());
  }
  return out;
}

Sequence GrammarBuilder::chars(const CharRanges& ranges) {
  const auto found = chars_.find(ranges);
  if (found != chars_.end()) return found->second;
  std::vector<Sequence> alternatives;
  for (const std::vector<ByteSet>& form : utf8_forms(ranges)) {
    Sequence sequence;
    for (const ByteSet& set : form) sequence.push_back(bytes(set).front());
    alternatives.push_back(std::move(sequence));
  }
  return chars_.emplace(ranges, any_of(std::move(alternatives))).first->second;
}

Sequence GrammarBuilder::any_of(std::vector<Sequence> alternatives) {
  if (alternatives.size() == 1) return std::move(alternatives.front());
  const uint32_t made = declare();
  define(made, std::move(alternatives));
  return rule(made);
}

Symbol GrammarBuilder::as_symbol(Sequence part) {
  if (part.size() == 1) return part.front();
  const uint32_t made = declare();
  define(made, {std::move(part)});
  return {.is_rule = true, .index = made};
}

Sequence GrammarBuilder::repeat(Sequence part, uint64_t min, std::optional<uint64_t> max) {
  if (max.has_value() && *max < min) {
    fail(source(), ": a repetition goes from ", min, " to ", *max, ", expected the larger number last");
  }
  if (std::max(min, max.value_or(0)) > kMaxRepetition) {
    fail(source(), ": a repetition of ", std::max(min, max.value_or(0)), " is asked for, expected at most ",
         kMaxRepetition);
  }
  if (max == 0 || part.empty()) return {};
  const Sequence once{as_symbol(std::move(part))};
  Sequence tail;
  if (!max.has_value()) {
    // Right-recursive, so that matching needs no stack for it (state_pool.h).
    const uint32_t star = declare();
    define(star, {once + rule(star), {}});
    tail = rule(star);
  } else {
    for (uint64_t i = min; i < *max; ++i) {
      const uint32_t longer = declare();
      define(longer, {once + tail, {}});
      tail = rule(longer);
    }
  }
  if (min == 0) return tail;
  Sequence out(static_cast<size_t>(min), once.front());
  out = std::move(out) + tail;
  // One symbol however often it is repeated: what a front end holds stays as long as its text.
  return Sequence{as_symbol(std::move(out))};
}

Grammar GrammarBuilder::take(uint32_t root) {
  grammar_.root = root;
  return std::move(grammar_);
}

Sequence operator+(Sequence a, const Sequence& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace caravan::grammar
