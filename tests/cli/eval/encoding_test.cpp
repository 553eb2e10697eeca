#include "cli/eval/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/paths.h"

namespace caravan::eval {
namespace {

using testing::HasSubstr;

constexpr int32_t kBegin = 0;
constexpr int32_t kEnd = 1;
constexpr int32_t kTurnEnd = 4;

class DemoEncoder : public testing::Test {
 protected:
  [[nodiscard]] static Question question(const std::string& prompt, const std::string& answer) {
    return encoder().question({prompt, answer, "", "", "here"});
  }
  [[nodiscard]] static Encoder encoder() { return {"demo", config(), tokenizer(), {kEnd, kTurnEnd}}; }
  [[nodiscard]] static std::vector<int32_t> ids(const std::string& text) {
    return tokenizer().encode(text, {.add_special = false});
  }
  static const Tokenizer& tokenizer() {
    static const Tokenizer kTokenizer = load_tokenizer(test::source_dir() / "models" / "demo").value();
    return kTokenizer;
  }
  static const ModelConfig& config() {
    static const ModelConfig kConfig = load_config(test::source_dir() / "models" / "demo");
    return kConfig;
  }
};

TEST_F(DemoEncoder, PutsTheBeginningBeforeATextAndTheEndAfterItWhereItIsAskedFor) {
  std::vector<int32_t> expected = ids("Once upon");
  expected.insert(expected.begin(), kBegin);
  EXPECT_EQ(encoder().text({"Once upon", "", "here"}, false), expected);
  expected.push_back(kEnd);
  EXPECT_EQ(encoder().text({"Once upon", "", "here"}, true), expected);
  EXPECT_EQ(encoder().text({"Once upon<|end_of_text|>", "", "here"}, true), expected);
}

TEST_F(DemoEncoder, SeparatesAnAnswerByOneSpace) {
  const Question expected = question("Answer:", "Tom.");
  EXPECT_EQ(question("Answer: ", "Tom.").tokens, expected.tokens);
  EXPECT_EQ(question("Answer:", " Tom.").tokens, expected.tokens);
  const std::vector<int32_t> answer = ids(" Tom.");
  EXPECT_EQ(expected.tokens.front(), kBegin);
  EXPECT_EQ(std::vector<int32_t>(expected.tokens.begin() + static_cast<std::ptrdiff_t>(expected.answer),
                                 expected.tokens.end()),
            answer);
}

TEST_F(DemoEncoder, BeginsAnAnswerWhereTheTokensOfThePromptAloneEnd) {
  // "Answer: " alone ends with a token of the space, which the answer's first word takes into its own.
  const Question spaced = question("Answer: ", "Tom.");
  EXPECT_EQ(spaced.answer, question("Answer:", "Tom.").answer);
}

TEST_F(DemoEncoder, RefusesAnAnswerWithoutTokens) {
  EXPECT_EQ(test::error_of([] { return question("Answer:", "<|end_of_text|>"); }), "no Error");
  EXPECT_THAT(test::error_of([] { return question("Answer: ", "<|end_of_text|>"); }),
              HasSubstr("here: field \"answer\" adds no token to the prompt"));
}

TEST_F(DemoEncoder, RefusesATokenThatTheModelDoesNotHave) {
  ModelConfig small = config();
  small.vocab_size = 10;
  const Encoder encoder("demo", small, tokenizer(), {});
  EXPECT_THAT(test::error_of([&] {
                return encoder.text({"Once", "", "tale.txt"}, false);
              }),
              HasSubstr("of tale.txt, expected one below 10, the vocabulary of its model"));
}

std::string refusal_of(const std::string& bytes) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder.write("questions.jsonl", bytes);
  const std::string error = test::error_of([&] { return read_questions(path); });
  const size_t at = error.find(path.string());
  return at == std::string::npos ? error : error.substr(at + path.string().size());
}

TEST(Questions, AreReadRowByRow) {
  const test::TemporaryFolder folder;
  const auto path =
      folder.write("questions.jsonl",
                   "{\"prompt\": \"Q\", \"answer\": \"A\", \"kind\": \"who\", \"language\": \"en\"}\n"
                   "{\"answer\": \"B\", \"prompt\": \"P\"}\n");
  const std::vector<QuestionRow> rows = read_questions(path);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].prompt, "Q");
  EXPECT_EQ(rows[0].answer, "A");
  EXPECT_EQ(rows[0].kind, "who");
  EXPECT_EQ(rows[0].language, "en");
  EXPECT_EQ(rows[1].answer, "B");
  EXPECT_EQ(rows[1].kind, "");
}

TEST(Questions, SayWhatIsWrongWithThem) {
  EXPECT_EQ(refusal_of(""), ": is empty, expected a question in each line");
  EXPECT_EQ(refusal_of("{\"prompt\": \"a\"}"), ", line 1: field \"answer\" is missing, expected a string");
  EXPECT_EQ(refusal_of("{\"prompt\": \"a\", \"answer\": \"\"}"),
            ", line 1: field \"answer\" is the string \"\", expected the text of the right answer");
  EXPECT_EQ(refusal_of("{\"prompt\": \"\", \"answer\": \"b\"}"),
            ", line 1: field \"prompt\" is the string \"\", expected the text of the question");
  EXPECT_THAT(refusal_of("{\"prompt\": \"a\", \"answer\": \"b\"}\nplain"), HasSubstr(", line 2"));
}

}  // namespace
}  // namespace caravan::eval
