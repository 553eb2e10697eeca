#include "text/grammar/choice.h"

#include "base/error.h"
#include "text/grammar/literals.h"

namespace caravan::grammar {

Grammar choice_grammar(const std::vector<std::string>& choices) {
  const std::string source = "the choice list";
  if (choices.empty()) fail(source, " is empty, expected at least one choice");
  size_t bytes = 0;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].empty()) fail(source, ": choice ", i, " is empty, expected some text");
    check_guide_text(choices[i], source);
    bytes += choices[i].size();
  }
  if (bytes > kMaxGuideBytes) fail(source, " has ", bytes, " bytes, expected at most ", kMaxGuideBytes);
  GrammarBuilder builder(source);
  const uint32_t root = builder.declare("root");
  builder.define(root, {any_literal(builder, choices)});
  return builder.take(root);
}

}  // namespace caravan::grammar
