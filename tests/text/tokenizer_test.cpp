#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/paths.h"
#include "text/tokenizer_json.h"

namespace caravan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A tokenizer of letters with the merges "a b" and "ab c"; `more` are further fields of the file.
std::string letters(const std::string& more = "") {
  return R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, " ": 5, "<x>": 6},
             "merges": ["a b", "ab c"]})" +
         more + "}";
}

Tokenizer make(const std::string& json) { return Tokenizer(parse_tokenizer_json(json, "tokenizer.json")); }

TEST(Bpe, MergesTheLowestRankFirst) {
  const Tokenizer tokenizer = make(letters());
  EXPECT_THAT(tokenizer.encode("abcab"), ElementsAre(4, 3));
  EXPECT_THAT(tokenizer.encode("bca"), ElementsAre(1, 2, 0));
  EXPECT_THAT(tokenizer.encode(""), ElementsAre());
}

TEST(Bpe, LeavesOutCharactersThatNothingCovers) {
  EXPECT_THAT(make(letters()).encode("azb"), ElementsAre(3));
}

TEST(Bpe, IsLinearOnAWordOfAMillionLetters) {
  std::string text;
  for (int i = 0; i < 333'333; ++i) text += "abc";
  EXPECT_EQ(make(letters()).encode(text), std::vector<int32_t>(333'333, 4));
}

TEST(AddedTokens, AreFoundBeforeAnythingIsCut) {
  const Tokenizer tokenizer =
      make(letters(R"(, "added_tokens": [{"id": 6, "content": "<x>", "special": true}])"));
  EXPECT_THAT(tokenizer.encode("ab<x>c"), ElementsAre(3, 6, 2));
  EXPECT_THAT(tokenizer.encode("ab<x>c", {.parse_special = false}), ElementsAre(4));
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{3, 6, 2}), "abc");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{3, 6, 2}, false), "ab<x>c");
}

TEST(AddedTokens, TakeSpacesAsTheirFlagsSay) {
  const Tokenizer tokenizer = make(letters(
      R"(, "added_tokens": [{"id": 6, "content": "<x>", "special": true, "lstrip": true, "rstrip": true}])"));
  EXPECT_THAT(tokenizer.encode("a  <x>  b"), ElementsAre(0, 6, 1));
}

TEST(AddedTokens, CanBeWholeWordsOnly) {
  const Tokenizer tokenizer =
      make(letters(R"(, "added_tokens": [{"id": 9, "content": "ab", "single_word": true}])"));
  EXPECT_THAT(tokenizer.encode("ab ab"), ElementsAre(3, 5, 3));
  EXPECT_THAT(tokenizer.encode("abc"), ElementsAre(4));
}

TEST(AddedTokens, PreferTheLongest) {
  const Tokenizer tokenizer = make(letters(
      R"(, "added_tokens": [{"id": 7, "content": "<y", "special": true}, {"id": 8, "content": "<y>", "special": true}])"));
  EXPECT_THAT(tokenizer.encode("<y><y"), ElementsAre(8, 7));
}

TEST(PostProcessor, PutsItsTokensAroundTheText) {
  const Tokenizer tokenizer = make(letters(
      R"(, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<x>", "type_id": 0}},
          {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"<x>": {"id": "<x>", "ids": [6], "tokens": ["<x>"]}}})"));
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(6, 3));
  EXPECT_THAT(tokenizer.encode("ab", {.add_special = false}), ElementsAre(3));
}

TEST(Tokenizer, NamesTheByteThatIsNotUtf8) {
  try {
    static_cast<void>(make(letters()).encode("ab\xFFz"));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("byte 2 is not valid UTF-8"));
  }
}

TEST(Tokenizer, DecodesIdsOutsideItsVocabularyToNothing) {
  EXPECT_EQ(make(letters()).decode(std::vector<int32_t>{3, 99, -1, 2}), "abc");
}

TEST(TokenizerJson, IsRefusedInOneSentence) {
  const std::string model = R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []})";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not valid JSON"},
      {"[1]", "the file is an array of 1, expected an object"},
      {"{}", "field \"model\" is missing"},
      {R"({"model": {"type": "Unigram", "vocab": []}})",
       "the model type \"Unigram\" is not supported, expected BPE"},
      {R"({"model": {"vocab": [1], "merges": []}})",
       "field \"model.vocab\" is an array of 1, expected an object"},
      {R"({"model": {"vocab": {"a": -1}, "merges": []}})", "the id of the token \"a\" is the number -1"},
      {R"({"model": {"vocab": {"a": 99999999999}, "merges": []}})", "the id of the token \"a\""},
      {R"({"model": {"vocab": {"a": 0, "b": 0}, "merges": []}})", "the id 0 belongs to both \"a\" and \"b\""},
      {R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}})", "the name \"a\" appears twice"},
      {R"({"model": {"vocab": {"a": 0}}})", "field \"model.merges\" is missing"},
      {R"({"model": {"vocab": {"a": 0}, "merges": ["a"]}})", "a merge is the string \"a\""},
      {R"({"model": {"vocab": {"a": 0}, "merges": ["a z"]}})",
       "a merge names \"az\", which is not in the vocabulary"},
      {R"({"model": {"vocab": {"a": 0}, "merges": [], "unk_token": "u"}})", "field \"model.unk_token\""},
      {R"({"model": {"vocab": {"a": 0}, "merges": [], "end_of_word_suffix": "</w>"}})", "end_of_word_suffix"},
      {model + R"(, "normalizer": {"type": "BertNormalizer"}})",
       "the normalizer \"BertNormalizer\" is not supported"},
      {model + R"(, "pre_tokenizer": {"type": "Whitespace"}})",
       "the pre-tokenizer \"Whitespace\" is not supported"},
      {model + R"(, "decoder": {"type": "WordPiece"}})", "the decoder \"WordPiece\" is not supported"},
      {model + R"(, "post_processor": {"type": "BertProcessing"}})", "the post-processor \"BertProcessing\""},
      {model + R"(, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}})",
       "the regular expression \"(\" cannot be used"},
      {model + R"(, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Shredded"}})",
       "behavior"},
      {model + R"(, "added_tokens": [{"id": 0, "content": "z"}]})",
       "the id 0 belongs to both \"a\" and \"z\""},
      {model + R"(, "added_tokens": [{"content": "z"}]})", "field \"added_tokens.id\" is missing"},
  };
  for (const auto& [text, sentence] : cases) {
    try {
      static_cast<void>(make(text));
      ADD_FAILURE() << "accepted " << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("tokenizer.json")) << text;
      EXPECT_THAT(error.what(), HasSubstr(sentence)) << text;
    }
  }
}

/// The same step `count` times, as the parts of a Sequence.
std::string repeated(const std::string& step, int count) {
  std::string out = step;
  for (int i = 1; i < count; ++i) out += ", " + step;
  return out;
}

TEST(TokenizerJson, CannotMakeATextGrowWithoutBound) {
  const std::string doubling = R"({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"})";
  const std::string bytes = R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false})";
  const std::vector<std::string> files = {
      letters(R"(, "normalizer": {"type": "Sequence", "normalizers": [)" + repeated(doubling, 40) + "]}"),
      letters(R"(, "decoder": {"type": "Sequence", "decoders": [)" + repeated(doubling, 40) + "]}"),
      letters(R"(, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [)" + repeated(bytes, 40) + "]}"),
      letters(R"(, "normalizer": {"type": "Sequence", "normalizers": [)" + repeated(doubling, 101) + "]}"),
      letters(R"(, "pre_tokenizer": {"type": "Metaspace", "replacement": "  "})"),
  };
  for (const std::string& file : files) EXPECT_THROW(static_cast<void>(make(file).encode("ab\u00e9")), Error);
}

TEST(LoadTokenizer, FindsNoneInAnEmptyFolder) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(load_tokenizer(folder.path()).has_value());
}

TEST(LoadTokenizer, RefusesAModelThatIsNeitherOfItsKinds) {
  const std::vector<std::string> models = {"", "garbage", std::string("\x0A\xFF\xFF\xFF\x7F", 5),
                                           std::string(1000, '\0')};
  for (const std::string& bytes : models) {
    const test::TemporaryFolder folder;
    static_cast<void>(folder.write("tokenizer.model", bytes));
    EXPECT_THROW(static_cast<void>(load_tokenizer(folder.path())), Error) << bytes.size() << " bytes";
  }
}

TEST(LoadTokenizer, NamesTheLineOfAListOfRanksThatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"IQ== 0\nIg==\n", "line 2 is not a token in base64 and its rank"},
      {"IQ== 0\nI!== 1\n", "line 2 is not"},
      {"IQ== 0\nIg== 0\n", "line 2 repeats"},
      {"IQ== 0\nIQ== 1\n", "line 2 repeats"},
      {"IQ== 0\nIg== -1\n", "line 2 is not"},
      {"IQ== 0\nIg== 99999999\n", "line 2 is not"},
      {"IQ== 0\n" + std::string(1'000'000, 'A') + " 1\n", "line 2 is not"},
  };
  for (const auto& [text, sentence] : cases) {
    const test::TemporaryFolder folder;
    static_cast<void>(folder.write("tokenizer.model", text));
    try {
      static_cast<void>(load_tokenizer(folder.path()));
      ADD_FAILURE() << "accepted " << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(sentence));
    }
  }
}

TEST(LoadTokenizer, ReadsTheSpecialTokensAndTheChatTemplate) {
  const test::TemporaryFolder folder;
  static_cast<void>(folder.write("tokenizer.json", letters()));
  static_cast<void>(folder.write("tokenizer_config.json",
                                 R"({"bos_token": {"content": "<x>"}, "eos_token": "c", "chat_template": [
                                     {"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]})"));
  const Tokenizer tokenizer = load_tokenizer(folder.path()).value();
  EXPECT_EQ(tokenizer.special_tokens().at("bos_token"), "<x>");
  EXPECT_EQ(tokenizer.special_tokens().at("eos_token"), "c");
  EXPECT_EQ(tokenizer.chat_template(), "D");
  static_cast<void>(folder.write("chat_template.jinja", "F"));
  EXPECT_EQ(load_tokenizer(folder.path())->chat_template(), "F");
}

}  // namespace
}  // namespace caravan
