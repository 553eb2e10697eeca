#include "text/grammar/literals.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace caravan::grammar {

namespace {

/// What is left to lay out: the texts of `part`, which all begin alike up to byte `at`, as `rule`.
struct Branch {
  std::span<const std::string> part;
  size_t at;
  uint32_t rule;
};

/// How many bytes the first and the last of sorted texts, and so all of them, have in common.
size_t common_length(std::span<const std::string> part) {
  const std::string& first = part.front();
  const std::string& last = part.back();
  const auto end = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
  return static_cast<size_t>(end - first.begin());
}

}  // namespace

Sequence any_literal(GrammarBuilder& builder, std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  if (texts.size() == 1) return builder.literal(texts.front());
  const uint32_t root = builder.declare();
  std::vector<Branch> pending{{texts, 0, root}};
  while (!pending.empty()) {
    const Branch branch = pending.back();
    pending.pop_back();
    std::vector<Sequence> alternatives;
    for (size_t begin = 0; begin < branch.part.size();) {
      const std::string& text = branch.part[begin];
      size_t end = begin + 1;
      if (text.size() > branch.at) {
        while (end < branch.part.size() && branch.part[end][branch.at] == text[branch.at]) ++end;
      }
      const std::span<const std::string> group = branch.part.subspan(begin, end - begin);
      const size_t to = common_length(group);
      Sequence sequence = builder.literal(std::string_view(text).substr(branch.at, to - branch.at));
      if (group.size() > 1) {
        const uint32_t rest = builder.declare();
        pending.push_back({group, to, rest});
        sequence = sequence + GrammarBuilder::rule(rest);
      }
      alternatives.push_back(std::move(sequence));
      begin = end;
    }
    builder.define(branch.rule, std::move(alternatives));
  }
  return GrammarBuilder::rule(root);
}

}  // namespace caravan::grammar
