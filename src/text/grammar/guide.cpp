#include "text/grammar/guide.h"

#include "base/error.h"
#include "text/grammar/choice.h"
#include "text/grammar/gbnf.h"
#include "text/grammar/guide_parts.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/json_text.h"
#include "text/grammar/regex_grammar.h"

namespace caravan {

namespace {

grammar::Grammar grammar_of(const GuideSpec& spec) {
  switch (spec.kind) {
    case GuideSpec::Kind::kJsonObject:
      return grammar::json_object_grammar();
    case GuideSpec::Kind::kJsonSchema:
      return grammar::json_schema_grammar(spec.text);
    case GuideSpec::Kind::kRegex:
      return grammar::regex_grammar(spec.text);
    case GuideSpec::Kind::kChoice:
      return grammar::choice_grammar(spec.choices);
    case GuideSpec::Kind::kGrammar:
      return grammar::gbnf_grammar(spec.text);
  }
  fail("the guide is of no known kind");
}

}  // namespace

CompiledGuide::CompiledGuide(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
CompiledGuide::~CompiledGuide() = default;

const TokenTrie& CompiledGuide::trie() const { return *parts_->trie; }

std::shared_ptr<const CompiledGuide> compile_guide(const GuideSpec& spec,
                                                   std::shared_ptr<const TokenTrie> trie) {
  auto parts =
      std::make_unique<CompiledGuide::Parts>(grammar::compile_program(grammar_of(spec)), std::move(trie));
  if (parts->pool->start() == grammar::StatePool::kDead) {
    fail(parts->program.source, " nests its first byte more than ", grammar::StatePool::kMaxDepth,
         " rules deep, expected fewer");
  }
  return std::make_shared<const CompiledGuide>(std::move(parts));
}

}  // namespace caravan
