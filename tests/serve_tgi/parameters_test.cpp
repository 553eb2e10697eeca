// Every field of a TGI request: what it becomes, and how TGI refuses what is wrong.
#include <gmock/gmock.h>

#include "serve/tgi/dialect.h"
#include "support/served.h"

namespace caravan::serve {
namespace {

using test::ask;
using test::demo_model;
using test::demo_tokenizer;
using test::post;

/// As POST /generate does.
Call generate(const std::string& body) {
  const ModelView model = demo_model();
  return std::get<Call>(tgi_generate(Json::parse(body), {model, {}}, {}));
}

Generation generation_of(const std::string& parameters) {
  return generate(R"({"inputs": "Once upon a time", "parameters": )" + parameters + "}").generations.at(0);
}

/// Status and body of the refusal of these parameters.
std::string refused(const std::string& parameters, const std::string& path = "/generate_stream") {
  return test::refusal_of(tgi_dialect(),
                          post(path, R"({"inputs": "Once upon a time", "parameters": )" + parameters + "}"));
}

std::string validation(const std::string& message) {
  return R"(422 {"error":"Input validation error: )" + message + R"(","error_type":"validation"})";
}

TEST(TgiRequest, WithoutParametersIsGreedyAndRunsToTheEndOfTheContext) {
  const Call call = generate(R"({"inputs": "Once upon a time"})");
  ASSERT_EQ(call.generations.size(), 1U);
  const Generation& generation = call.generations[0];
  EXPECT_EQ(generation.prompt, demo_tokenizer().encode("Once upon a time"));
  EXPECT_EQ(generation.prompt_text, "Once upon a time");
  EXPECT_EQ(generation.sampling.temperature, 0.0);
  EXPECT_EQ(generation.max_output, 64 - static_cast<int64_t>(generation.prompt.size()));
  EXPECT_EQ(generation.choices, 1);
  EXPECT_FALSE(generation.top_logprobs);
  EXPECT_FALSE(generation.prompt_logprobs);
  EXPECT_FALSE(call.stream);
}

TEST(TgiRequest, SetsWhatItsParametersSay) {
  const Generation generation = generation_of(
      R"({"do_sample": true, "temperature": 0.5, "top_k": 10, "top_p": 0.9, "typical_p": 0.8, "seed": 18446744073709551615,
          "repetition_penalty": 1.1, "frequency_penalty": -1.5, "max_new_tokens": 7, "stop": ["a", "bc"],
          "watermark": false, "adapter_id": "None", "return_full_text": null, "unknown": [1]})");
  EXPECT_EQ(generation.sampling.temperature, 0.5);
  EXPECT_EQ(generation.sampling.top_k, 10);
  EXPECT_EQ(generation.sampling.top_p, 0.9);
  EXPECT_EQ(generation.sampling.typical_p, 0.8);
  EXPECT_EQ(generation.sampling.seed, 18446744073709551615U);
  EXPECT_EQ(generation.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(generation.sampling.frequency_penalty, -1.5);
  EXPECT_EQ(generation.max_output, 7);
  EXPECT_THAT(generation.stop_strings, testing::ElementsAre("a", "bc"));
  EXPECT_TRUE(generation.include_stop_string);
}

TEST(TgiRequest, DrawsWhereAnythingChangesTheDistribution) {
  EXPECT_EQ(generation_of(R"({"temperature": 1.0})").sampling.temperature, 0.0);
  EXPECT_EQ(generation_of(R"({"temperature": 0.7})").sampling.temperature, 0.7);
  EXPECT_EQ(generation_of(R"({"top_k": 5})").sampling.temperature, 1.0);
  EXPECT_EQ(generation_of(R"({"top_p": 0.5})").sampling.temperature, 1.0);
  EXPECT_EQ(generation_of(R"({"typical_p": 0.5})").sampling.temperature, 1.0);
  EXPECT_EQ(generation_of(R"({"do_sample": true})").sampling.temperature, 1.0);
}

TEST(TgiRequest, WithoutASeedDrawsWithARandomOne) {
  const uint64_t one = generation_of(R"({"do_sample": true})").sampling.seed;
  const uint64_t other = generation_of(R"({"do_sample": true})").sampling.seed;
  EXPECT_NE(one, other);
  EXPECT_LT(one, uint64_t{1} << 53U);
}

TEST(TgiRequest, TruncateKeepsTheLastTokens) {
  const std::vector<int32_t> all = demo_tokenizer().encode("Once upon a time");
  ASSERT_GT(all.size(), 2U);
  EXPECT_EQ(generation_of(R"({"truncate": 2})").prompt, std::vector<int32_t>(all.end() - 2, all.end()));
  EXPECT_EQ(generation_of(R"({"truncate": 60})").prompt, all);
}

TEST(TgiRequest, TruncateComesBeforeTheContextsLimit) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += " time";
  const Call call = generate(R"({"inputs": ")" + text + R"(", "parameters": {"truncate": 10}})");
  EXPECT_EQ(call.generations[0].prompt.size(), 10U);
}

TEST(TgiRequest, MayLeaveOutSpecialTokens) {
  const Call call = generate(R"({"inputs": "time", "add_special_tokens": false})");
  EXPECT_EQ(call.generations[0].prompt, demo_tokenizer().encode("time", {.add_special = false}));
}

TEST(TgiRequest, BestOfAsksForAllCandidatesInTheirOrder) {
  const Generation generation = generation_of(R"({"best_of": 3, "do_sample": true})");
  EXPECT_EQ(generation.choices, 3);
  EXPECT_EQ(generation.candidates, 3);
  EXPECT_TRUE(generation.ranked);
}

TEST(TgiRequest, DetailsAskForLogProbabilities) {
  EXPECT_EQ(generation_of(R"({"details": true})").top_logprobs, 0);
  EXPECT_EQ(generation_of(R"({"details": true, "top_n_tokens": 3})").top_logprobs, 3);
  const Generation prefill = generation_of(R"({"decoder_input_details": true})");
  EXPECT_EQ(prefill.top_logprobs, 0);
  EXPECT_EQ(prefill.prompt_logprobs, 0);
  const Call stream = test::call_of(
      tgi_dialect(), post("/generate_stream", R"({"inputs": "a", "parameters": {"top_n_tokens": 2}})"));
  EXPECT_TRUE(stream.stream);
  EXPECT_EQ(stream.generations[0].top_logprobs, 2);
}

TEST(TgiRequest, GrammarBecomesAGuide) {
  const Generation json = generation_of(R"({"grammar": {"type": "json", "value": {"type": "object"}}})");
  ASSERT_TRUE(json.guide);
  EXPECT_EQ(json.guide->kind, GuideSpec::Kind::kJsonSchema);
  EXPECT_EQ(json.guide->text, R"({"type":"object"})");
  EXPECT_EQ(json.guide_field, "parameters.grammar");
  const Generation text =
      generation_of(R"({"grammar": {"type": "json", "value": "{\"type\": \"object\"}"}})");
  EXPECT_EQ(text.guide->text, R"({"type":"object"})");
  const Generation regex = generation_of(R"({"grammar": {"type": "regex", "value": "[0-9]+"}})");
  EXPECT_EQ(regex.guide->kind, GuideSpec::Kind::kRegex);
  EXPECT_EQ(regex.guide->text, "[0-9]+");
  const Generation schema = generation_of(
      R"({"grammar": {"type": "json_schema", "value": {"name": "x", "schema": {"type": "array"}}}})");
  EXPECT_EQ(schema.guide->kind, GuideSpec::Kind::kJsonSchema);
  EXPECT_EQ(schema.guide->text, R"({"type":"array"})");
}

TEST(TgiRequest, RefusesInTgisWords) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"temperature": 0})", "`temperature` must be strictly positive"},
      {R"({"temperature": 1000})", R"(\"temperature\": found 1000, expected a number from 0 to 100)"},
      {R"({"repetition_penalty": 0})", "`repetition_penalty` must be strictly positive"},
      {R"({"frequency_penalty": 2.5})", "`frequency_penalty` must be >= -2.0 and <= 2.0"},
      {R"({"top_p": 1.0})", "`top_p` must be > 0.0 and < 1.0"},
      {R"({"top_p": 0})", "`top_p` must be > 0.0 and < 1.0"},
      {R"({"typical_p": 1.5})", "`typical_p` must be > 0.0 and < 1.0"},
      {R"({"top_k": 0})", "`top_k` must be strictly positive"},
      {R"({"top_k": -1})", "`top_k` must be strictly positive"},
      {R"({"max_new_tokens": 0})", "`max_new_tokens` must be strictly positive"},
      {R"({"max_new_tokens": 64})",
       "`inputs` tokens + `max_new_tokens` must be <= 64. Given: 5 `inputs` tokens and 64 `max_new_tokens`"},
      {R"({"stop": ["1", "2", "3", "4", "5"]})", "`stop` supports up to 4 stop sequences. Given: 5"},
      {R"({"stop": [""]})",
       R"(\"parameters.stop\" is an array of 1, expected a string or a list of strings, none empty)"},
      {R"({"stop": "a"})", R"(\"parameters.stop\" is the string \"a\", expected a list)"},
      {R"({"top_n_tokens": 6})", "`top_n_tokens` must be >= 0 and <= 5. Given: 6"},
      {R"({"truncate": 0})", "`truncate` must be strictly positive and less than 63. Given: 0"},
      {R"({"truncate": 64})", "`truncate` must be strictly positive and less than 63. Given: 64"},
      {R"({"watermark": true})",
       R"(\"parameters.watermark\" is true, expected false: this server puts no watermark into its texts)"},
      {R"({"adapter_id": "x"})", R"(`adapter_id` is the string \"x\", and this server has no adapters)"},
      {R"({"grammar": {"type": "json", "value": "{"}})", "grammar is not valid: "},
      {R"({"grammar": {"type": "gbnf", "value": "x"}})",
       R"(\"parameters.grammar.type\" is the string \"gbnf\", expected \"json\", \"regex\" or \"json_schema\")"},
      {R"({"grammar": {"type": "regex"}})",
       R"(\"parameters.grammar.value\" is missing, expected a regular expression)"},
      {R"({"temperature": "hot"})",
       R"(\"parameters.temperature\" is the string \"hot\", expected a number from )"},
      {R"({"do_sample": 1})", R"(\"parameters.do_sample\" is the number 1, expected true or false)"},
      {R"({"best_of": 2, "do_sample": true})", "`best_of` != 1 is not supported when streaming tokens"},
      {R"({"decoder_input_details": true})",
       "`decoder_input_details` == true is not supported when streaming tokens"},
      {"[]", R"(\"parameters\" is an array of 0, expected an object)"},
  };
  for (const auto& [parameters, message] : cases) {
    const std::string found = refused(parameters);
    EXPECT_THAT(found, testing::StartsWith("422 ")) << parameters;
    EXPECT_THAT(found, testing::HasSubstr(message)) << parameters;
    EXPECT_THAT(found, testing::EndsWith(R"(","error_type":"validation"})")) << parameters;
  }
}

TEST(TgiRequest, RefusesBestOfInTgisWords) {
  EXPECT_EQ(refused(R"({"best_of": 2})", "/"), validation("you must use sampling when `best_of` is > 1"));
  EXPECT_EQ(refused(R"({"best_of": 5, "do_sample": true})", "/"),
            validation("`best_of` must be > 0 and <= 4. Given: 5"));
  EXPECT_EQ(refused(R"({"best_of": 0})", "/"), validation("`best_of` must be > 0 and <= 4. Given: 0"));
  EXPECT_EQ(refused(R"({"best_of": 2, "do_sample": true, "seed": 1})", "/"),
            validation("`seed` must not be set when `best_of` > 1"));
  ModelView model = demo_model();
  model.max_choices = 1;
  EXPECT_EQ(
      test::refusal_of(tgi_dialect(), post("/", R"({"inputs": "a", "parameters": {"best_of": 2}})"), model),
      validation("`best_of` != 1 is not allowed for this endpoint"));
}

TEST(TgiRequest, RefusesInputsInTgisWords) {
  const auto with = [](const std::string& body) { return test::refusal_of(tgi_dialect(), post("/", body)); };
  EXPECT_EQ(with(R"({"inputs": ""})"), validation("`inputs` cannot be empty"));
  EXPECT_EQ(with("{}"), validation(R"(\"inputs\" is missing, expected a string)"));
  EXPECT_EQ(with(R"({"inputs": 3})"), validation(R"(\"inputs\" is the number 3, expected a string)"));
  std::string text;
  for (int i = 0; i < 100; ++i) text += " time";
  EXPECT_EQ(with(R"({"inputs": ")" + text + R"("})"),
            validation("`inputs` must have less than 63 tokens. Given: 101"));
  EXPECT_THAT(with("{"), testing::StartsWith(R"(400 {"error":"Input validation error: the body)"));
  EXPECT_THAT(with("[]"), testing::StartsWith(R"(400 {"error":"Input validation error: the body)"));
}

}  // namespace
}  // namespace caravan::serve
