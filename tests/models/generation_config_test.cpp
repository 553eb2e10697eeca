#include "models/generation_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/paths.h"

namespace caravan {
namespace {

using testing::HasSubstr;

TEST(GenerationConfig, ReadsOneEndTokenOrAList) {
  EXPECT_EQ(parse_generation_config(R"({"eos_token_id": 2})", "f").eos_tokens, (std::vector<int32_t>{2}));
  EXPECT_EQ(parse_generation_config(R"({"eos_token_id": [1, 4]})", "f").eos_tokens,
            (std::vector<int32_t>{1, 4}));
  EXPECT_TRUE(parse_generation_config("{}", "f").eos_tokens.empty());
}

TEST(GenerationConfig, ReadsWhatItRecommends) {
  const GenerationConfig config = parse_generation_config(
      R"({"do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 50, "typical_p": 0.8,
          "repetition_penalty": 1.1})",
      "f");
  EXPECT_TRUE(config.do_sample);
  EXPECT_EQ(config.temperature, 0.6);
  EXPECT_EQ(config.top_p, 0.9);
  EXPECT_EQ(config.top_k, 50);
  EXPECT_EQ(config.typical_p, 0.8);
  EXPECT_EQ(config.repetition_penalty, 1.1);
  EXPECT_FALSE(config.min_p.has_value());
}

TEST(GenerationConfig, IsAllDefaultsWithoutAFile) {
  const test::TemporaryFolder folder;
  const GenerationConfig config = load_generation_config(folder.path());
  EXPECT_FALSE(config.do_sample);
  EXPECT_FALSE(config.temperature.has_value());
}

TEST(GenerationConfig, NamesTheFieldThatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"temperature": "hot"})",
       "f: field \"temperature\" is the string \"hot\", expected a number from 0 to 100"},
      {R"({"top_p": 2})", "field \"top_p\" is the number 2, expected a number from 0 to 1"},
      {R"({"top_k": -1})", "field \"top_k\""},
      {R"({"eos_token_id": [1, "x"]})", "field \"eos_token_id\""},
      {R"({"eos_token_id": 99999999999})", "field \"eos_token_id\""},
      {R"([])", "f: the file is an array of 0, expected an object"},
      {R"({)", "f: not valid JSON"},
  };
  for (const auto& [text, sentence] : cases) {
    try {
      static_cast<void>(parse_generation_config(text, "f"));
      ADD_FAILURE() << "accepted " << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(sentence));
    }
  }
}

}  // namespace
}  // namespace caravan
