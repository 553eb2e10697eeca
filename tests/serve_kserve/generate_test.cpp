// Triton's generate extension, and MindIE's /stopInfer.
#include <gmock/gmock.h>

#include "serve/kserve/dialect.h"
#include "support/served.h"

namespace caravan::serve {
namespace {

using test::choice;
using test::demo_tokenizer;
using test::event;
using test::post;
using test::token;

const std::string kModel = "/v2/models/demo";

Call generate(const std::string& body, const std::string& path = "/generate") {
  return test::call_of(kserve_dialect(), post(kModel + path, body));
}

std::string refused(const std::string& body) {
  return test::refusal_of(kserve_dialect(), post(kModel + "/generate", body));
}

TEST(KserveGenerate, TakesParametersNestedOrBeside) {
  const std::vector<std::string> bodies = {
      R"({"text_input": "Once", "parameters": {"temperature": 0.5, "max_tokens": 7, "stop": ["x"], "seed": 3}})",
      R"({"text_input": "Once", "temperature": 0.5, "max_new_tokens": 7, "stop": "x", "seed": 3})"};
  for (const std::string& body : bodies) {
    const Call call = generate(body);
    const Generation& generation = call.generations.at(0);
    EXPECT_EQ(generation.prompt, demo_tokenizer().encode("Once"));
    EXPECT_EQ(generation.sampling.temperature, 0.5);
    EXPECT_EQ(generation.sampling.seed, 3U);
    EXPECT_EQ(generation.max_output, 7);
    EXPECT_THAT(generation.stop_strings, testing::ElementsAre("x"));
    EXPECT_FALSE(call.stream);
  }
}

TEST(KserveGenerate, PrefersNestedParameters) {
  EXPECT_EQ(generate(R"({"text_input": "Once", "top_k": 2, "parameters": {"top_k": 3}})")
                .generations.at(0)
                .sampling.top_k,
            3);
}

TEST(KserveGenerate, IsGreedyAtTemperatureZero) {
  const Generation generation =
      generate(R"({"text_input": "Once", "parameters": {"temperature": 0, "top_k": 3}})").generations.at(0);
  EXPECT_EQ(generation.sampling.temperature, 0.0);
  EXPECT_EQ(generation.max_output, 20);
}

TEST(KserveGenerate, Answers) {
  GenerationResult result;
  result.choices = {choice({token(100, " upon"), token(1, "")}, Ending::kStopToken)};
  result.first_token_seconds = 0.01;
  result.queue_seconds = 0.002;
  EXPECT_EQ(generate(R"({"text_input": "Once"})").answer->whole({result}).body,
            R"({"id":"request-1","model_name":"demo","model_version":"1","text_output":" upon"})");
  const Call call = generate(R"({"text_input": "Once", "id": "mine", "parameters": {"details": true}})",
                             "/versions/1/generate");
  EXPECT_EQ(call.id, "mine");
  EXPECT_EQ(
      call.answer->whole({result}).body,
      R"({"id":"mine","model_name":"demo","model_version":"1","text_output":" upon","details":)"
      R"({"finish_reason":"eos_token","generated_tokens":2,"first_token_cost":10.0,"queue_wait_time":2.0}})");
}

TEST(KserveGenerate, StreamsWhatIsNew) {
  const Call call = generate(R"({"text_input": "Once"})", "/generate_stream");
  EXPECT_TRUE(call.stream);
  EXPECT_EQ(call.answer->event(event(100, " upon")),
            "data: {\"id\":\"request-1\",\"model_name\":\"demo\",\"model_version\":\"1\","
            "\"text_output\":\" upon\"}\n\n");
  EXPECT_EQ(call.answer->end({}), "");
  EXPECT_EQ(call.answer->failed({FailureKind::kGeneration, "no", "", ""}),
            "data: {\"error\":\"no\",\"error_type\":\"Generation Error\"}\n\n");
}

TEST(KserveGenerate, StreamsDetailsWhereAsked) {
  const Call call = generate(R"({"text_input": "Once", "details": true, "id": "a"})", "/generate_stream");
  const std::string start = R"(data: {"id":"a","model_name":"demo","model_version":"1","text_output":)";
  EXPECT_EQ(
      call.answer->event(event(100, " upon", {}, 0.02)),
      start +
          "\" upon\",\"details\":{\"generated_tokens\":1},\"prefill_time\":20.0,\"decode_time\":null}\n\n");
  EXPECT_EQ(call.answer->event(event(101, " a", Ending::kLength, 0.01)),
            start +
                "\" a\",\"details\":{\"generated_tokens\":2,\"finish_reason\":\"length\"},"
                "\"prefill_time\":null,\"decode_time\":10.0}\n\n");
}

TEST(KserveGenerate, Refuses) {
  EXPECT_EQ(
      refused("{}"),
      R"(400 {"error":"\"text_input\" is missing, expected a text","error_type":"Input Validation Error"})");
  for (const char* body :
       {R"({"text_input": ""})", R"({"text_input": ["a"]})", R"({"text_input": "a", "id": "a b"})",
        R"({"text_input": "a", "id": ""})", R"({"text_input": "a", "id": 3})",
        R"({"text_input": "a", "parameters": 3})", R"({"text_input": "a", "temperature": -1})",
        R"({"text_input": "a", "temperature": 101})", R"({"text_input": "a", "max_tokens": 0})",
        R"({"text_input": "a", "max_tokens": 3, "max_new_tokens": 3})",
        R"({"text_input": "a", "watermark": true})", R"({"text_input": "a", "min_tokens": 30})", "x"}) {
    EXPECT_THAT(refused(body), testing::StartsWith("400 ")) << body;
  }
}

TEST(KserveStopInfer, CancelsById) {
  const auto cancel =
      std::get<CancelRequest>(test::ask(kserve_dialect(), post(kModel + "/stopInfer", R"({"id": "mine"})")));
  EXPECT_EQ(cancel.id, "mine");
  EXPECT_EQ(cancel.answer.status, 200);
  EXPECT_EQ(cancel.answer.body, R"({"id":"mine"})");
  EXPECT_EQ(cancel.not_running.status, 404);
  EXPECT_EQ(cancel.not_running.body, R"({"error":"RequestId is mine not found.","error_type":"Not Found"})");
  EXPECT_EQ(test::response_of(kserve_dialect(), post(kModel + "/stopInfer", "{}")).status, 400);
}

}  // namespace
}  // namespace caravan::serve
