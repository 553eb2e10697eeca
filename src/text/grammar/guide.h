// Guided output: what a request asks its text to be, compiled so that a matcher (matcher.h) can say at each
// step which tokens keep it so.
//
//   auto trie = std::make_shared<const TokenTrie>(tokenizer);  // once per tokenizer
//   auto guide = compile_guide({.kind = GuideSpec::Kind::kRegex, .text = "[a-z]+"}, trie);
//   GrammarMatcher matcher(guide, end_ids);                    // one per sequence
//
// Thread safety: a compiled guide may be used by any number of matchers on any threads. They share the states
// and masks that any of them has met, behind the guide's own mutex, held for one call of a matcher at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "text/grammar/guide_spec.h"
#include "text/grammar/token_trie.h"

namespace caravan {

class GrammarMatcher;

class CompiledGuide {
 public:
  struct Parts;  // guide_parts.h: for compile_guide and the matcher
  explicit CompiledGuide(std::unique_ptr<Parts> parts);
  ~CompiledGuide();
  CompiledGuide(const CompiledGuide&) = delete;
  CompiledGuide& operator=(const CompiledGuide&) = delete;

  [[nodiscard]] const TokenTrie& trie() const;

 private:
  friend class GrammarMatcher;
  std::unique_ptr<Parts> parts_;
};

/// Throws Error, in one sentence that names what is wrong or not supported, on a spec that is malformed,
/// beyond the limits (grammar.h), or that no finite text fulfils. Takes at most some tenths of a second.
std::shared_ptr<const CompiledGuide> compile_guide(const GuideSpec& spec,
                                                   std::shared_ptr<const TokenTrie> trie);

}  // namespace caravan
