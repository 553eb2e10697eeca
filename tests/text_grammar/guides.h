// What the tests of guides share: guides over small vocabularies, and walks through their masks.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "text/grammar/matcher.h"

namespace caravan::test {

GuideSpec json_schema(const std::string& text);
GuideSpec regex(const std::string& text);
GuideSpec gbnf(const std::string& text);
GuideSpec choice(std::vector<std::string> choices);

/// One token for each byte; token 256 has no bytes and is for the end.
std::shared_ptr<const TokenTrie> byte_trie();
constexpr int32_t kByteTrieEnd = 256;
/// Of the demo model's tokenizer.
std::shared_ptr<const TokenTrie> demo_trie();

/// Whether `text` as a whole is what the guide allows.
bool fits(const GuideSpec& spec, const std::string& text);
/// Whether `text` is the beginning of something that the guide allows.
bool begins(const GuideSpec& spec, const std::string& text);
/// The sentence with which the guide is refused.
std::string refusal(const GuideSpec& spec);

/// A text of tokens taken at random from the masks; after about `length` of them, it is brought to an end.
std::string random_text(const std::shared_ptr<const CompiledGuide>& guide, std::mt19937& random, int length);

bool has_bit(const std::vector<uint64_t>& mask, int32_t id);

}  // namespace caravan::test
