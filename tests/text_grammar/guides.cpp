#include "text_grammar/guides.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/paths.h"

namespace caravan::test {

GuideSpec json_schema(const std::string& text) {
  return {.kind = GuideSpec::Kind::kJsonSchema, .text = text, .choices = {}};
}
GuideSpec regex(const std::string& text) {
  return {.kind = GuideSpec::Kind::kRegex, .text = text, .choices = {}};
}
GuideSpec gbnf(const std::string& text) {
  return {.kind = GuideSpec::Kind::kGrammar, .text = text, .choices = {}};
}
GuideSpec choice(std::vector<std::string> choices) {
  return {.kind = GuideSpec::Kind::kChoice, .text = {}, .choices = std::move(choices)};
}

std::shared_ptr<const TokenTrie> byte_trie() {
  std::vector<std::string> bytes;
  bytes.reserve(257);
  for (int byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
  bytes.emplace_back();
  return std::make_shared<const TokenTrie>(std::move(bytes));
}

std::shared_ptr<const TokenTrie> demo_trie() {
  return std::make_shared<const TokenTrie>(load_tokenizer(source_dir() / "models" / "demo").value());
}

bool fits(const GuideSpec& spec, const std::string& text) {
  GrammarMatcher matcher(compile_guide(spec, byte_trie()), {kByteTrieEnd});
  return matcher.accept(text) && matcher.may_end();
}

bool begins(const GuideSpec& spec, const std::string& text) {
  return GrammarMatcher(compile_guide(spec, byte_trie()), {kByteTrieEnd}).accept(text);
}

std::string refusal(const GuideSpec& spec) {
  return error_of([&] { (void)compile_guide(spec, byte_trie()); });
}

bool has_bit(const std::vector<uint64_t>& mask, int32_t id) {
  return (mask[static_cast<size_t>(id) / 64] >> (static_cast<uint32_t>(id) % 64) & 1U) != 0;
}

namespace {

/// One of the tokens that often close something, or `otherwise` if none may come.
int32_t closing(const TokenTrie& trie, const std::vector<int32_t>& allowed, std::mt19937& random,
                int32_t otherwise) {
  std::vector<int32_t> ids;
  for (const int32_t id : allowed) {
    const std::string_view bytes = trie.bytes_of(id);
    if (bytes.size() == 1 && std::string_view("\"}] 0.@ab").find(bytes) != std::string_view::npos)
      ids.push_back(id);
  }
  return ids.empty() ? otherwise : ids[random() % ids.size()];
}

}  // namespace

std::string random_text(const std::shared_ptr<const CompiledGuide>& guide, std::mt19937& random, int length) {
  const TokenTrie& trie = guide->trie();
  const int32_t end = trie.vocab_size();  // one that the vocabulary has not
  GrammarMatcher matcher(guide, {end});
  std::vector<uint64_t> mask(static_cast<size_t>(end) / 64 + 1);
  std::string text;
  for (int i = 0; i < length + 2000; ++i) {
    if (!matcher.allowed(mask)) {
      ADD_FAILURE() << "nothing may follow " << text;
      return text;
    }
    std::vector<int32_t> ids;
    for (int32_t id = 0; id <= end; ++id) {
      if (has_bit(mask, id)) ids.push_back(id);
    }
    int32_t next = ids[random() % ids.size()];
    if (i >= length) {
      next = has_bit(mask, end) ? end : random() % 4 == 0 ? next : closing(trie, ids, random, next);
    }
    EXPECT_TRUE(matcher.accept_token(next));
    if (next == end) return text;
    text += trie.bytes_of(next);
  }
  ADD_FAILURE() << "the text has no end: " << text;
  return text;
}

}  // namespace caravan::test
