// Tokenizers inside GGUF files: the ids of the folder's own tokenizer, and what is said of wrong tables.
#include "text/gguf_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "support/errors.h"
#include "support/gguf_builder.h"
#include "support/paths.h"

namespace caravan {
namespace {

using test::error_of;
using test::GgufBuilder;
using testing::ElementsAre;

Tokenizer fixture_tokenizer(const std::string& name) {
  return load_tokenizer(test::fixture("gguf/tokenizer_" + name + ".gguf")).value();
}

class GgufSampleTest : public testing::TestWithParam<std::string> {};

TEST_P(GgufSampleTest, GivesTheIdsOfTheOriginal) {
  const std::filesystem::path path = test::fixture("tokenizers/" + GetParam() + ".json");
  const Json sample = parse_json(read_file(path, 10'000'000), path.string());
  const Tokenizer tokenizer = fixture_tokenizer(GetParam());
  ASSERT_GE(sample["texts"].size(), 100U);
  for (size_t i = 0; i < sample["texts"].size(); ++i) {
    const std::string text = sample["texts"][i].get<std::string>();
    const std::vector<int32_t> ids = tokenizer.encode(text, {.add_special = false});
    EXPECT_EQ(ids, sample["ids"][i].get<std::vector<int32_t>>()) << "text " << i << ": " << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, GgufSampleTest, testing::Values("sentencepiece", "metaspace", "demo"),
                         [](const auto& test) { return test.param; });

TEST(GgufTokenizer, DecodesAsTheFoldersDoes) {
  const Tokenizer folder = load_tokenizer(test::fixture("tokenizers/sentencepiece")).value();
  const Tokenizer gguf = fixture_tokenizer("sentencepiece");
  const Tokenizer demo = load_tokenizer(test::source_dir() / "models" / "demo").value();
  const Tokenizer demo_gguf = fixture_tokenizer("demo");
  for (const std::string text :
       {"Once upon a time, \xE4\xBB\x8E\xE5\x89\x8D", "  two\n\nlines", "\xF0\x9F\xA6\x99"}) {
    EXPECT_EQ(gguf.encode(text), folder.encode(text));
    EXPECT_EQ(gguf.decode(gguf.encode(text)), folder.decode(folder.encode(text)));
    EXPECT_EQ(demo_gguf.encode(text), demo.encode(text));
    EXPECT_EQ(demo_gguf.decode(demo.encode(text)), text);
  }
}

TEST(GgufTokenizer, KnowsSpecialTokensAndTheChatTemplate) {
  const Tokenizer folder = load_tokenizer(test::source_dir() / "models" / "demo").value();
  const Tokenizer gguf = fixture_tokenizer("demo");
  EXPECT_EQ(gguf.vocab_size(), folder.vocab_size());
  EXPECT_EQ(gguf.special_tokens(), folder.special_tokens());
  EXPECT_EQ(gguf.chat_template(), folder.chat_template());
  EXPECT_EQ(gguf.kind(), "byte-level BPE (GGUF)");
  EXPECT_TRUE(gguf.is_special(0));
  EXPECT_FALSE(gguf.is_special(100));
  const std::string chat = "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>";
  EXPECT_EQ(gguf.encode(chat), folder.encode(chat));
  EXPECT_EQ(gguf.encode(chat, {.parse_special = false}), folder.encode(chat, {.parse_special = false}));
}

/// SentencePiece's tokens: unknown, bos, eos, "▁", "a", "b", "▁a", "ab", "[X]".
GgufBuilder small_sentencepiece() {
  return test::tiny_llama()
      .text("tokenizer.ggml.model", "llama")
      .texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "\xE2\x96\x81", "a", "b",
                                       "\xE2\x96\x81"
                                       "a",
                                       "ab", "[X]"})
      .reals("tokenizer.ggml.scores", {0, 0, 0, -5, -6, -7, -2, -1, 0})
      .numbers("tokenizer.ggml.token_type", {2, 3, 3, 1, 1, 1, 1, 1, 4});
}

/// Byte-level tokens: "a", "b", "ab", "Ġ" (a space), "<|bos|>", "<tool>".
GgufBuilder small_byte_level(const std::string& pre = "gpt-2",
                             const std::vector<std::string>& merges = {"a b"}) {
  return test::tiny_llama()
      .text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", pre)
      .texts("tokenizer.ggml.tokens", {"a", "b", "ab", "\xC4\xA0", "<|bos|>", "<tool>"})
      .numbers("tokenizer.ggml.token_type", {1, 1, 1, 1, 3, 4})
      .texts("tokenizer.ggml.merges", merges);
}

Tokenizer parse(const GgufBuilder& builder) {
  const std::string file = builder.bytes();
  return Tokenizer(
      parse_gguf_tokenizer(parse_gguf_header(std::as_bytes(std::span(file)), "m.gguf"), "m.gguf").value());
}

std::string refusal(const GgufBuilder& builder) {
  const std::string message = error_of([&] { static_cast<void>(parse(builder)); });
  return message.starts_with("m.gguf: ") ? message.substr(8) : message;
}

TEST(GgufTokenizer, MergesByScoreWithASpaceBeforeEachText) {
  const Tokenizer tokenizer = parse(small_sentencepiece());
  // "▁ab": "ab" (-1) goes before "▁a" (-2).
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(1, 3, 7));
  EXPECT_THAT(tokenizer.encode("</s>a", {.add_special = false}), ElementsAre(2, 6));
  EXPECT_THAT(tokenizer.encode("a[X]a", {.add_special = false, .parse_special = false}),
              ElementsAre(6, 8, 6));
  const Tokenizer bare = parse(small_sentencepiece()
                                   .flag("tokenizer.ggml.add_space_prefix", false)
                                   .flag("tokenizer.ggml.add_bos_token", false)
                                   .flag("tokenizer.ggml.add_eos_token", true));
  EXPECT_THAT(bare.encode("ab"), ElementsAre(7, 2));
  EXPECT_THAT(bare.encode("a b"), ElementsAre(4, 3, 5, 2));
}

TEST(GgufTokenizer, CutsByTheRulesThatTheFileNames) {
  EXPECT_THAT(parse(small_byte_level()).encode("ab<tool>a"), ElementsAre(2, 5, 0));
  const Tokenizer with_bos = parse(
      small_byte_level().number("tokenizer.ggml.bos_token_id", 4).flag("tokenizer.ggml.add_bos_token", true));
  EXPECT_THAT(with_bos.encode("<|bos|>ab"), ElementsAre(4, 4, 2));
  // LLaMA-3's rules add BOS unless the file says otherwise, and leave a word that is a token whole.
  const Tokenizer llama3 = parse(small_byte_level("llama-bpe", {}).number("tokenizer.ggml.bos_token_id", 4));
  EXPECT_THAT(llama3.encode("ab"), ElementsAre(4, 2));
  EXPECT_THAT(parse(small_byte_level("gpt-2", {})).encode("ab"), ElementsAre(0, 1));
}

TEST(GgufTokenizer, CutsDigitsAsTheNamedTokenizersDo) {
  const auto words = [](const std::string& pre) {
    std::vector<std::string> tokens = {"1", "11", "111", "1111", "<|bos|>"};
    const Tokenizer tokenizer = parse(test::tiny_llama()
                                          .text("tokenizer.ggml.model", "gpt2")
                                          .text("tokenizer.ggml.pre", pre)
                                          .texts("tokenizer.ggml.tokens", tokens)
                                          .numbers("tokenizer.ggml.token_type", {1, 1, 1, 1, 3})
                                          .texts("tokenizer.ggml.merges", {"1 1", "11 1", "11 11"})
                                          .number("tokenizer.ggml.bos_token_id", 4)
                                          .flag("tokenizer.ggml.add_bos_token", false));
    return tokenizer.encode("1111");
  };
  EXPECT_THAT(words("gpt-2"), ElementsAre(3));
  EXPECT_THAT(words("llama-bpe"), ElementsAre(2, 0));
  EXPECT_THAT(words("tekken"), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(words("smollm"), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(words("qwen2"), ElementsAre(0, 0, 0, 0));
}

TEST(GgufTokenizer, IsNoneWhereTheFileHasNone) {
  EXPECT_FALSE(load_tokenizer(test::fixture("gguf/fp16.gguf")).has_value());
}

struct Refused {
  GgufBuilder builder;
  std::string message;
};

TEST(GgufTokenizer, NamesTheFieldThatIsWrong) {
  const auto byte_level = [](const std::vector<std::string>& tokens) {
    return test::tiny_llama()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "gpt-2")
        .texts("tokenizer.ggml.tokens", tokens);
  };
  const std::string field = "the field \"tokenizer.ggml.";
  const std::vector<Refused> cases = {
      {test::tiny_llama().text("tokenizer.ggml.model", "t5"),
       "field \"tokenizer.ggml.model\" is the string \"t5\", expected llama (SentencePiece) or gpt2 "
       "(byte-level "
       "BPE)"},
      {test::tiny_llama().text("tokenizer.ggml.model", "llama"),
       field + "tokens\" is missing, expected the tokens"},
      {byte_level({}), field + "tokens\" holds 0 tokens, expected 1 to 2000000"},
      {byte_level({"a", ""}), field + "tokens\" holds a token of 0 bytes at 1, expected 1 to 4096"},
      {byte_level({"a", "b", "a"}), field + "tokens\" holds \"a\" twice, expected it once"},
      {byte_level({"a"}), field + "merges\" is missing, expected a list of merges"},
      {byte_level({"a"}).numbers("tokenizer.ggml.token_type", {1, 1}),
       field + "token_type\" has 2 elements, expected 1, one for each token"},
      {byte_level({"a"}).numbers("tokenizer.ggml.token_type", {7}),
       field + "token_type\" holds 7, expected types from 0 to 6"},
      {byte_level({"a"}).number("tokenizer.ggml.eos_token_id", 1),
       "field \"tokenizer.ggml.eos_token_id\" is the number 1, expected a token id below 1"},
      {small_byte_level("gpt-2", {"ab"}),
       field + "merges\" holds \"ab\", expected two tokens such as \"t h\""},
      {small_byte_level("gpt-2", {"a x"}),
       field + "merges\" holds \"a x\", which names \"ax\", expected tokens of the vocabulary"},
      {small_byte_level("llama-bpe"),
       field + "bos_token_id\" is missing, expected it where add_bos_token is true"},
      {test::tiny_llama().text("tokenizer.ggml.model", "gpt2"),
       "field \"tokenizer.ggml.pre\" is missing, expected a string"},
      {small_sentencepiece().numbers("tokenizer.ggml.precompiled_charsmap", {1}),
       "has the field \"tokenizer.ggml.precompiled_charsmap\", expected none: LLaMA's tokenizers take texts "
       "as "
       "they are"},
  };
  for (const Refused& refused : cases) EXPECT_EQ(refusal(refused.builder), refused.message);
  EXPECT_THAT(
      refusal(small_byte_level("klingon")),
      testing::HasSubstr("\"tokenizer.ggml.pre\" is \"klingon\", expected one of llama-bpe, llama3,"));
}

TEST(GgufTokenizer, NamesWhatSentencePieceCannotDoWithout) {
  const auto tokens = [](const std::vector<int32_t>& types) {
    return test::tiny_llama()
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", {"<unk>", "a", "<0x41>"})
        .numbers("tokenizer.ggml.token_type", types);
  };
  const auto scored = [&](const std::vector<int32_t>& types) {
    return tokens(types).reals("tokenizer.ggml.scores", {0, 0, 0});
  };
  const std::string field = "the field \"tokenizer.ggml.";
  EXPECT_EQ(refusal(tokens({2, 1, 1})), field + "scores\" is missing, expected a score for each token");
  EXPECT_EQ(refusal(scored({1, 1, 1})), field + "token_type\" has 0 unknown tokens (type 2), expected one");
  EXPECT_EQ(refusal(scored({2, 1, 6})),
            field + "token_type\" has 1 byte tokens (type 6), expected none or all 256");
}

}  // namespace
}  // namespace caravan
