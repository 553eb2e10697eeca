// MindIE's /infer and /infer_token: fields, answers, streams, refusals.
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

Call infer(const std::string& body) { return test::call_of(mindie_dialect(), post("/infer", body)); }

Generation generation_of(const std::string& parameters) {
  return infer(R"({"inputs": "Once", "parameters": )" + parameters + "}").generations.at(0);
}

std::string refused(const std::string& body) {
  return test::refusal_of(mindie_dialect(), post("/infer", body));
}

std::string refused_parameters(const std::string& parameters) {
  return refused(R"({"inputs": "Once", "parameters": )" + parameters + "}");
}

std::string validation(const std::string& message) {
  return R"(422 {"error":")" + message + R"(","error_type":"Input Validation Error"})";
}

GenerationResult result_of(std::vector<ChoiceResult> choices) {
  GenerationResult result;
  result.choices = std::move(choices);
  result.seed = 42;
  return result;
}

TEST(MindieInfer, WithoutParametersIsGreedyForTwentyTokens) {
  const Call call = infer(R"({"inputs": "Once"})");
  const Generation& generation = call.generations.at(0);
  EXPECT_EQ(generation.prompt, demo_tokenizer().encode("Once"));
  EXPECT_EQ(generation.prompt_text, "Once");
  EXPECT_EQ(generation.sampling.temperature, 0.0);
  EXPECT_EQ(generation.max_output, 20);
  EXPECT_EQ(generation.priority, 0);
  EXPECT_FALSE(generation.timeout_seconds);
  EXPECT_FALSE(call.stream);
}

TEST(MindieInfer, SetsWhatItsParametersSay) {
  const Generation generation = generation_of(
      R"({"temperature": 0.5, "top_k": 10, "top_p": 0.9, "typical_p": 0.8, "do_sample": true, "seed": 7,
          "repetition_penalty": 1.1, "watermark": false, "priority": 1, "max_new_tokens": 9, "timeout": 30,
          "unknown": {}})");
  EXPECT_EQ(generation.sampling.temperature, 0.5);
  EXPECT_EQ(generation.sampling.top_k, 10);
  EXPECT_EQ(generation.sampling.top_p, 0.9);
  EXPECT_EQ(generation.sampling.typical_p, 0.8);
  EXPECT_EQ(generation.sampling.seed, 7U);
  EXPECT_EQ(generation.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(generation.priority, -4);
  EXPECT_EQ(generation.max_output, 9);
  EXPECT_EQ(generation.timeout_seconds, 30.0);
}

TEST(MindieInfer, DoSampleDecidesWhetherTokensAreDrawn) {
  EXPECT_EQ(generation_of(R"({"temperature": 0.5})").sampling.temperature, 0.5);
  EXPECT_EQ(generation_of(R"({"top_k": 3})").sampling.temperature, 1.0);
  EXPECT_EQ(generation_of(R"({"do_sample": true})").sampling.temperature, 1.0);
  EXPECT_EQ(generation_of(R"({"do_sample": false, "temperature": 0.5})").sampling.temperature, 0.0);
}

TEST(MindieInfer, EndsWithTheContext) {
  EXPECT_EQ(generation_of(R"({"max_new_tokens": 1000})").max_output,
            64 - static_cast<int64_t>(demo_tokenizer().encode("Once").size()));
}

TEST(MindieInfer, TakesTokenIds) {
  const Call call = test::call_of(mindie_dialect(), post("/infer_token", R"({"input_id": [0, 300, 301]})"));
  EXPECT_THAT(call.generations.at(0).prompt, testing::ElementsAre(0, 300, 301));
  const std::vector<int32_t> ids = {0, 300, 301};
  EXPECT_EQ(call.generations.at(0).prompt_text, demo_tokenizer().decode(ids));
}

TEST(MindieInfer, RefusesInItsOwnShape) {
  EXPECT_EQ(refused(R"({"inputs": "a", "input_id": [1]})"),
            validation(R"(\"inputs\" and \"input_id\" are both given, expected one of them)"));
  EXPECT_EQ(refused("{}"),
            validation(R"(\"inputs\" is missing, expected a text (or \"input_id\", a list of token ids))"));
  EXPECT_EQ(
      refused(R"({"inputs": ""})"),
      validation(R"(\"inputs\" is the string \"\", expected a text (or \"input_id\", a list of token ids))"));
  EXPECT_EQ(refused(R"({"input_id": []})"),
            validation(R"(\"input_id\" is empty, expected at least one token)"));
  EXPECT_THAT(refused(R"({"input_id": [-1]})"),
              testing::StartsWith(R"(422 {"error":"\"input_id\" is a list with)"));
  EXPECT_THAT(refused(R"({"input_id": [99999999]})"), testing::StartsWith("422 "));
  EXPECT_THAT(refused(R"({"input_id": "1"})"), testing::StartsWith("422 "));
  EXPECT_THAT(refused(R"({"inputs": "a", "stream": "yes"})"),
              testing::HasSubstr(R"(\"stream\" is the string \"yes\", expected true or false)"));
  EXPECT_THAT(refused("nonsense"), testing::StartsWith("422 "));
  for (const char* parameters : {R"({"temperature": 0})",
                                 R"({"temperature": -1})",
                                 R"({"temperature": 500})",
                                 R"({"temperature": "a"})",
                                 R"({"top_k": -1})",
                                 R"({"top_k": 1.5})",
                                 R"({"top_p": 0})",
                                 R"({"top_p": 1.5})",
                                 R"({"typical_p": 0})",
                                 R"({"seed": -1})",
                                 R"({"seed": 9223372036854775808})",
                                 R"({"repetition_penalty": 0})",
                                 R"({"watermark": true})",
                                 R"({"priority": 0})",
                                 R"({"priority": 6})",
                                 R"({"max_new_tokens": 0})",
                                 R"({"timeout": 0})",
                                 R"({"timeout": 65536})",
                                 R"({"details": 1})",
                                 R"({"do_sample": "x"})",
                                 "3"}) {
    EXPECT_THAT(refused_parameters(parameters), testing::StartsWith("422 ")) << parameters;
  }
  EXPECT_EQ(refused_parameters(R"({"top_p": 1.5})"),
            validation(R"(\"parameters.top_p\" is the number 1.5, expected a number above 0, at most 1)"));
}

TEST(MindieAnswer, IsTheTextAndItsDetails) {
  const std::vector<GenerationResult> results = {
      result_of({choice({token(100, " upon"), token(1, "")}, Ending::kStopToken)})};
  EXPECT_EQ(infer(R"({"inputs": "Once"})").answer->whole(results).body, R"({"generated_text":" upon"})");
  EXPECT_EQ(
      infer(R"({"inputs": "Once", "parameters": {"details": true, "do_sample": true}})")
          .answer->whole(results)
          .body,
      R"({"generated_text":" upon","details":{"finish_reason":"eos_token","generated_tokens":2,"seed":42,)"
      R"("generated_token_ids":[100,1]}})");
  const std::string greedy =
      infer(R"({"inputs": "Once", "parameters": {"details": true}})").answer->whole(results).body;
  EXPECT_THAT(greedy, testing::HasSubstr(R"("seed":null)"));
}

TEST(MindieStream, TellsPrefillAndDecodeTimesInMilliseconds) {
  const Call call =
      infer(R"({"inputs": "Once", "stream": true, "parameters": {"details": true, "top_k": 2}})");
  EXPECT_TRUE(call.stream);
  Answer& answer = *call.answer;
  EXPECT_EQ(
      answer.event(event(100, " upon", {}, 0.0455401)),
      "data: {\"prefill_time\":45.54,\"decode_time\":null,\"token\":{\"id\":[100],\"text\":\" upon\"}}\n\n");
  EXPECT_EQ(
      answer.event(event(101, " a", {}, 0.0125)),
      "data: {\"prefill_time\":null,\"decode_time\":12.5,\"token\":{\"id\":[101],\"text\":\" a\"}}\n\n");
  EXPECT_EQ(answer.event(event(102, " time", Ending::kLength, 0.013)), "");
  EXPECT_EQ(answer.end({result_of({})}),
            "data: {\"prefill_time\":null,\"decode_time\":13.0,\"token\":{\"id\":[102],\"text\":null},"
            "\"generated_text\":\" upon a time\",\"details\":{\"finish_reason\":\"length\","
            "\"generated_tokens\":3,\"seed\":42}}\n\n");
}

TEST(MindieStream, OfOneTokenHasItsPrefillTime) {
  const Call call = infer(R"({"inputs": "Once", "stream": true})");
  call.answer->event(event(100, " upon", Ending::kStopToken, 0.001));
  EXPECT_EQ(call.answer->end({result_of({})}),
            "data: {\"prefill_time\":1.0,\"decode_time\":null,\"token\":{\"id\":[100],\"text\":null},"
            "\"generated_text\":\" upon\",\"details\":null}\n\n");
}

TEST(MindieStream, ReportsATimeout) {
  const Call call = infer(R"({"inputs": "Once", "stream": true, "parameters": {"details": true}})");
  ChoiceEvent last;
  last.finish = Finish{Ending::kTimeout, {}, ""};
  call.answer->event(last);
  EXPECT_THAT(call.answer->end({result_of({})}), testing::HasSubstr(R"("finish_reason":"timeout")"));
}

TEST(MindieStream, BreaksOffWithAnError) {
  EXPECT_EQ(infer(R"({"inputs": "Once"})").answer->failed({FailureKind::kGeneration, "no blocks", "", ""}),
            "data: {\"error\":\"no blocks\",\"error_type\":\"Generation Error\"}\n\n");
}

TEST(MindieFailure, HasItsCodes) {
  const std::vector<std::pair<FailureKind, int>> cases = {
      {FailureKind::kMalformed, 422}, {FailureKind::kInvalid, 422},    {FailureKind::kUnauthorized, 401},
      {FailureKind::kForbidden, 403}, {FailureKind::kNotFound, 404},   {FailureKind::kMethod, 405},
      {FailureKind::kTooLarge, 413},  {FailureKind::kOverloaded, 429}, {FailureKind::kUnavailable, 503},
      {FailureKind::kTimeout, 424},   {FailureKind::kGeneration, 424}, {FailureKind::kInternal, 500}};
  for (const auto& [kind, status] : cases) EXPECT_EQ(mindie_failure({kind, "why", "", ""}).status, status);
}

}  // namespace
}  // namespace caravan::serve
