// POST /generate: told apart by its fields, and vLLM's plain form.
#include <gmock/gmock.h>

#include "serve/mindie/dialect.h"
#include "support/served.h"

namespace caravan::serve {
namespace {

using test::choice;
using test::demo_tokenizer;
using test::event;
using test::post;
using test::token;
using namespace std::string_literals;

Call generate(const std::string& body) { return test::call_of(generate_dialect(), post("/generate", body)); }

/// `fields` after the prompt, each with a comma before it.
Generation generation_of(const std::string& fields) {
  return generate(R"({"prompt": "Once")" + fields + "}").generations.at(0);
}

std::string refused(const std::string& fields) {
  return test::refusal_of(generate_dialect(), post("/generate", R"({"prompt": "Once")" + fields + "}"));
}

GenerationResult result_of(std::vector<ChoiceResult> choices) {
  GenerationResult result;
  result.choices = std::move(choices);
  return result;
}

TEST(Generate, WithInputsIsTgis) {
  const Call call = generate(R"({"inputs": "Once", "parameters": {"max_new_tokens": 3}})");
  EXPECT_EQ(call.generations.at(0).max_output, 3);
  EXPECT_EQ(call.answer->whole({result_of({choice({token(100, " upon")}, Ending::kLength)})}).body,
            R"({"generated_text":" upon"})");
}

TEST(Generate, WithNeitherFieldIsRefusedInTgisWords) {
  EXPECT_EQ(
      test::refusal_of(generate_dialect(), post("/generate", "{}")),
      R"(422 {"error":"Input validation error: \"inputs\" is missing, expected a string (as TGI's requests )"
      R"x(have), or \"prompt\" (as vLLM's have)","error_type":"validation"})x");
}

TEST(VllmGenerate, HasVllmsDefaults) {
  const Generation generation = generation_of("");
  EXPECT_EQ(generation.prompt, demo_tokenizer().encode("Once"));
  EXPECT_EQ(generation.sampling.temperature, 1.0);
  EXPECT_EQ(generation.max_output, 16);
  EXPECT_EQ(generation.choices, 1);
  EXPECT_EQ(generation.candidates, 1);
  EXPECT_FALSE(generation.include_stop_string);
  EXPECT_TRUE(generation.skip_special_tokens);
}

TEST(VllmGenerate, SetsWhatItsFieldsSay) {
  const Generation generation = generation_of(
      R"(, "n": 2, "best_of": 3, "temperature": 0.5, "top_p": 0.9, "top_k": -1, "min_p": 0.1, "seed": 5,
         "repetition_penalty": 1.2, "presence_penalty": 0.5, "frequency_penalty": -0.5, "stop": "x",
         "stop_token_ids": [7], "include_stop_str_in_output": true, "ignore_eos": true, "max_tokens": 12,
         "min_tokens": 2, "skip_special_tokens": false, "model": "None", "logprobs": 3)");
  EXPECT_EQ(generation.choices, 2);
  EXPECT_EQ(generation.candidates, 3);
  EXPECT_TRUE(generation.ranked);
  EXPECT_EQ(generation.sampling.temperature, 0.5);
  EXPECT_EQ(generation.sampling.top_p, 0.9);
  EXPECT_EQ(generation.sampling.top_k, 0);
  EXPECT_EQ(generation.sampling.min_p, 0.1);
  EXPECT_EQ(generation.sampling.seed, 5U);
  EXPECT_EQ(generation.sampling.repetition_penalty, 1.2);
  EXPECT_EQ(generation.sampling.presence_penalty, 0.5);
  EXPECT_EQ(generation.sampling.frequency_penalty, -0.5);
  EXPECT_THAT(generation.stop_strings, testing::ElementsAre("x"));
  EXPECT_THAT(generation.stop_tokens, testing::ElementsAre(7));
  EXPECT_TRUE(generation.include_stop_string);
  EXPECT_TRUE(generation.ignore_eos);
  EXPECT_EQ(generation.max_output, 12);
  EXPECT_EQ(generation.min_output, 2);
  EXPECT_FALSE(generation.skip_special_tokens);
}

TEST(VllmGenerate, SearchesWithBeams) {
  const Generation generation = generation_of(
      R"(, "use_beam_search": true, "best_of": 3, "temperature": 0, "length_penalty": 0.5, "early_stopping": true)");
  EXPECT_TRUE(generation.beam_search);
  EXPECT_EQ(generation.candidates, 3);
  EXPECT_EQ(generation.length_penalty, 0.5);
  EXPECT_TRUE(generation.early_stopping);
}

TEST(VllmGenerate, RefusesWhatDoesNotGoTogether) {
  for (const char* fields : {R"(, "n": 3, "best_of": 2)",
                             R"(, "n": 5)",
                             R"(, "best_of": 2, "temperature": 0)",
                             R"(, "use_beam_search": true)",
                             R"(, "use_beam_search": true, "best_of": 2)",
                             R"(, "use_beam_search": true, "best_of": 2, "temperature": 0, "top_p": 0.5)",
                             R"(, "use_beam_search": true, "best_of": 2, "temperature": 0, "top_k": 5)",
                             R"(, "length_penalty": 2)",
                             R"(, "early_stopping": true)",
                             R"(, "stream": true, "best_of": 2)",
                             R"(, "top_k": -2)",
                             R"(, "temperature": -1)",
                             R"(, "temperature": 101)",
                             R"(, "top_p": 0)",
                             R"(, "max_tokens": 0)",
                             R"(, "min_tokens": 5, "max_tokens": 4)",
                             R"(, "stop": [3])",
                             R"(, "stop_token_ids": [-1])",
                             R"(, "presence_penalty": 3)",
                             R"(, "ignore_eos": 1)"}) {
    EXPECT_THAT(refused(fields), testing::StartsWith("422 ")) << fields;
  }
  EXPECT_THAT(refused(R"(, "model": "other")"),
              testing::StartsWith(R"(404 {"error":"\"model\" is the string \"other\", expected \"demo\"")"));
}

TEST(VllmGenerate, AnswersWithThePromptInFront) {
  const Call call = generate(R"({"prompt": "Once", "n": 2})");
  EXPECT_EQ(call.answer
                ->whole({result_of({choice({token(100, " upon")}, Ending::kLength),
                                    choice({token(101, " a")}, Ending::kLength)})})
                .body,
            R"({"text":["Once upon","Once a"]})");
}

TEST(VllmGenerate, StreamsAllTextSoFarEndedByNul) {
  const Call call = generate(R"({"prompt": "Once", "n": 2, "stream": true})");
  EXPECT_TRUE(call.stream);
  Answer& answer = *call.answer;
  EXPECT_EQ(answer.event(event(100, " upon")), "{\"text\":[\"Once upon\",\"Once\"]}\0"s);
  ChoiceEvent other = event(101, " a");
  other.choice = 1;
  EXPECT_EQ(answer.event(other), "{\"text\":[\"Once upon\",\"Once a\"]}\0"s);
  EXPECT_EQ(answer.event(event(102, "")), "");
  EXPECT_EQ(answer.event(event(103, "", Ending::kLength)), "{\"text\":[\"Once upon\",\"Once a\"]}\0"s);
  EXPECT_EQ(answer.end({}), "");
  EXPECT_EQ(answer.failed({FailureKind::kGeneration, "no", "", ""}),
            "{\"error\":\"Request failed during generation: no\",\"error_type\":\"generation\"}\0"s);
}

}  // namespace
}  // namespace caravan::serve
