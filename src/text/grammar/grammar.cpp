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
    fail(source(), " needs more than ", kMaxRules, " rules, expected a smaller one");
  }
  grammar_.rules.push_back({std::move(name), {}});
  return static_cast<uint32_t>(grammar_.rules.size() - 1);
}

void GrammarBuilder::define(uint32_t rule, std::vector<Sequence> alternatives, Repetition times) {
  for (const Sequence& sequence : alternatives) symbols_ += sequence.size() + 1;
  if (symbols_ > kMaxSymbols) {
    fail(source(), " needs more than ", kMaxSymbols, " symbols, expected a smaller one");
  }
  grammar_.rules[rule].alternatives = std::move(alternatives);
  grammar_.rules[rule].times = times;
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

Sequence GrammarBuilder::repeat(Sequence part, uint64_t min, std::optional<uint64_t> max) {
  if (max.has_value() && *max < min) {
    fail(source(), ": a repetition goes from ", min, " to ", *max, ", expected the larger number last");
  }
  if (std::max(min, max.value_or(0)) > kMaxRepetition) {
    fail(source(), ": a repetition of ", std::max(min, max.value_or(0)), " is asked for, expected at most ",
         kMaxRepetition);
  }
  if (max == 0 || part.empty()) return {};
  if (min == 1 && max == 1) return part;
  const uint32_t repeated = declare();
  define(repeated, {std::move(part)},
         {static_cast<uint32_t>(min), max.has_value() ? static_cast<uint32_t>(*max) : Repetition::kNoEnd});
  return rule(repeated);
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
