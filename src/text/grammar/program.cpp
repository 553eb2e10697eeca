#include "text/grammar/program.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "text/grammar/left_recursion.h"

namespace caravan::grammar {

namespace {

/// Which rules may be left out or have an alternative of nothing but rules of this kind and, where
/// `with_bytes`, bytes: with bytes, those that match some finite text, without, those that match the empty
/// one. Each symbol is looked at once.
std::vector<bool> derivable(const Grammar& grammar, bool with_bytes) {
  struct Alternative {
    uint32_t rule;
    size_t missing;
  };
  std::vector<Alternative> alternatives;
  std::vector<std::vector<uint32_t>> uses(grammar.rules.size());
  std::vector<uint32_t> ready;
  std::vector<bool> is(grammar.rules.size(), false);
  const auto found = [&](uint32_t rule) {
    if (!is[rule]) ready.push_back(rule);
    is[rule] = true;
  };
  for (uint32_t r = 0; r < grammar.rules.size(); ++r) {
    if (grammar.rules[r].times.min == 0) found(r);
    for (const Sequence& sequence : grammar.rules[r].alternatives) {
      Alternative alternative{r, 0};
      for (const Symbol& symbol : sequence) {
        if (symbol.is_rule) uses[symbol.index].push_back(static_cast<uint32_t>(alternatives.size()));
        const bool some_byte = !symbol.is_rule && with_bytes && grammar.sets[symbol.index].any();
        if (!some_byte) ++alternative.missing;
      }
      if (alternative.missing == 0) found(r);
      alternatives.push_back(alternative);
    }
  }
  while (!ready.empty()) {
    const uint32_t rule = ready.back();
    ready.pop_back();
    for (const uint32_t use : uses[rule]) {
      if (--alternatives[use].missing == 0) found(alternatives[use].rule);
    }
  }
  return is;
}

/// Splits the 256 bytes by every set, until no set tells two bytes of a class apart.
void make_classes(const Grammar& grammar, Program& program) {
  std::array<uint8_t, 256> of{};
  uint32_t count = 1;
  for (const ByteSet& set : grammar.sets) {
    std::map<std::pair<uint8_t, bool>, uint8_t> split;
    std::array<uint8_t, 256> next{};
    for (size_t byte = 0; byte < 256; ++byte) {
      next[byte] = split.emplace(std::pair(of[byte], set.test(byte)), static_cast<uint8_t>(split.size()))
                       .first->second;
    }
    count = static_cast<uint32_t>(split.size());
    of = next;
    if (count == 256) break;
  }
  program.class_of = of;
  program.classes = count;
  for (const ByteSet& set : grammar.sets) {
    ByteSet classes;
    for (size_t byte = 0; byte < 256; ++byte) {
      if (set.test(byte)) classes.set(of[byte]);
    }
    program.class_sets.push_back(classes);
  }
}

class CellTable {
 public:
  explicit CellTable(std::vector<Cell>& cells) : cells_(&cells) { cells.assign(1, {}); }

  uint32_t of(const Sequence& sequence) {
    uint32_t rest = 0;
    for (size_t i = sequence.size(); i-- > 0;) {
      const Symbol& symbol = sequence[i];
      const uint64_t key = uint64_t{rest} << 32U | uint64_t{symbol.index} << 1U | (symbol.is_rule ? 1U : 0U);
      const auto [found, is_new] = known_.emplace(key, static_cast<uint32_t>(cells_->size()));
      if (is_new) cells_->push_back({symbol, rest});
      rest = found->second;
    }
    return rest;
  }

 private:
  std::vector<Cell>* cells_;
  std::unordered_map<uint64_t, uint32_t> known_;
};

/// Whether one of the alternatives matches the empty text.
bool has_empty(const std::vector<Sequence>& alternatives, const std::vector<bool>& nullable) {
  return std::any_of(alternatives.begin(), alternatives.end(), [&](const Sequence& sequence) {
    return std::all_of(sequence.begin(), sequence.end(),
                       [&](const Symbol& symbol) { return symbol.is_rule && nullable[symbol.index]; });
  });
}

bool completes(const Grammar& grammar, const Sequence& sequence, const std::vector<bool>& productive) {
  return std::all_of(sequence.begin(), sequence.end(), [&](const Symbol& symbol) {
    return symbol.is_rule ? productive[symbol.index] : grammar.sets[symbol.index].any();
  });
}

}  // namespace

std::optional<std::string> endless_rule(const Grammar& grammar) {
  const std::vector<bool> productive = derivable(grammar, true);
  for (size_t r = 0; r < grammar.rules.size(); ++r) {
    if (!productive[r] && !grammar.rules[r].name.empty()) return grammar.rules[r].name;
  }
  return std::nullopt;
}

Program compile_program(const Grammar& grammar) {
  const std::vector<bool> productive = derivable(grammar, true);
  if (!productive[grammar.root]) {
    fail(grammar.source, " fits no finite text, expected one that some text fulfils");
  }
  const std::vector<bool> nullable = derivable(grammar, false);
  if (const auto rule = left_recursive_rule(grammar, nullable)) {
    fail(grammar.source, ": the rule ", in_quotes(grammar.rules[*rule].name),
         " begins with itself (left recursion), expected repetition with * or recursion at the end");
  }
  Program program;
  program.source = grammar.source;
  make_classes(grammar, program);
  CellTable cells(program.cells);
  program.start = cells.of(GrammarBuilder::rule(grammar.root));
  for (const Rule& rule : grammar.rules) {
    program.first.push_back(static_cast<uint32_t>(program.alternatives.size()));
    program.times.push_back(rule.times);
    program.advances.push_back(!has_empty(rule.alternatives, nullable));
    std::vector<uint32_t> own;
    for (const Sequence& sequence : rule.alternatives) {
      if (completes(grammar, sequence, productive)) own.push_back(cells.of(sequence));
    }
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    program.alternatives.insert(program.alternatives.end(), own.begin(), own.end());
  }
  program.first.push_back(static_cast<uint32_t>(program.alternatives.size()));
  return program;
}

}  // namespace caravan::grammar
