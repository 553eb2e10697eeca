// The fields of sampling, stopping, choices and guides, for completions and chats alike.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_openai/support.h"

namespace caravan::serve::test {
namespace {

using testing::ElementsAre;

constexpr const char* kPath = "/v1/completions";

Generation generation_of(Server& server, const std::string& more) {
  return server.call(kPath, completion_body(more)).generations.at(0);
}

TEST(SamplingFields, HaveOpenAisDefaults) {
  Server server;
  const Generation generation = generation_of(server, "");
  EXPECT_EQ(generation.sampling.temperature, 1.0);
  EXPECT_EQ(generation.sampling.top_p, 1.0);
  EXPECT_EQ(generation.sampling.top_k, 0);
  EXPECT_EQ(generation.sampling.min_p, 0.0);
  EXPECT_EQ(generation.sampling.typical_p, 1.0);
  EXPECT_EQ(generation.sampling.repetition_penalty, 1.0);
  EXPECT_EQ(generation.choices, 1);
  EXPECT_EQ(generation.candidates, 1);
  EXPECT_TRUE(generation.skip_special_tokens);
}

TEST(SamplingFields, TakeTheCheckpointsRecommendationWhereTheRequestSaysNothing) {
  Server server;
  server.model.defaults = {true, 0.8, 40, 0.95, 0.05, 0.9, 1.1, {}};
  const SamplingParams own = generation_of(server, "").sampling;
  EXPECT_EQ(own.temperature, 0.8);
  EXPECT_EQ(own.top_k, 40);
  EXPECT_EQ(own.top_p, 0.95);
  EXPECT_EQ(own.min_p, 0.05);
  EXPECT_EQ(own.typical_p, 0.9);
  EXPECT_EQ(own.repetition_penalty, 1.1);
  const SamplingParams asked =
      generation_of(server,
                    R"("temperature": 0.5, "top_k": -1, "top_p": 1, "min_p": 0, "repetition_penalty": 1)")
          .sampling;
  EXPECT_EQ(asked.temperature, 0.5);
  EXPECT_EQ(asked.top_k, 0);
  EXPECT_EQ(asked.top_p, 1.0);
  EXPECT_EQ(asked.min_p, 0.0);
  EXPECT_EQ(asked.repetition_penalty, 1.0);
}

TEST(SamplingFields, OfACheckpointThatDoesNotSampleCountForThePenaltyOnly) {
  Server server;
  server.model.defaults = {false, 0.8, 40, 0.95, 0.05, 0.9, 1.1, {}};
  const SamplingParams own = generation_of(server, "").sampling;
  EXPECT_EQ(own.temperature, 1.0);
  EXPECT_EQ(own.top_k, 0);
  EXPECT_EQ(own.repetition_penalty, 1.1);
}

TEST(SamplingFields, AreRead) {
  Server server;
  const SamplingParams read =
      generation_of(server, R"("temperature": 2, "top_p": 0.5, "top_k": 3, "min_p": 0.1,
      "typical_p": 0.9, "repetition_penalty": 1.2, "presence_penalty": -2, "frequency_penalty": 2, "seed": -1,
      "logit_bias": {"5": -100, "3071": 1.5})")
          .sampling;
  EXPECT_EQ(read.temperature, 2.0);
  EXPECT_EQ(read.top_p, 0.5);
  EXPECT_EQ(read.top_k, 3);
  EXPECT_EQ(read.min_p, 0.1);
  EXPECT_EQ(read.typical_p, 0.9);
  EXPECT_EQ(read.repetition_penalty, 1.2);
  EXPECT_EQ(read.presence_penalty, -2.0);
  EXPECT_EQ(read.frequency_penalty, 2.0);
  EXPECT_EQ(read.seed, ~uint64_t{0});
  EXPECT_THAT(read.logit_bias, ElementsAre(std::pair(5, -100.0F), std::pair(3071, 1.5F)));
}

TEST(SamplingFields, GiveEveryRequestAnotherSeed) {
  Server server;
  EXPECT_NE(generation_of(server, "").sampling.seed, generation_of(server, "").sampling.seed);
  EXPECT_EQ(generation_of(server, R"("seed": 7)").sampling.seed, 7U);
}

TEST(SamplingFields, OutsideTheirRangesAreRefusedByName) {
  Server server;
  for (const std::string more : {R"("temperature": 2.1)",
                                 R"("temperature": -0.1)",
                                 R"("temperature": "1")",
                                 R"("top_p": 1.1)",
                                 R"("top_p": -1)",
                                 R"("top_k": -2)",
                                 R"("top_k": 1.5)",
                                 R"("min_p": 2)",
                                 R"("typical_p": 0)",
                                 R"("repetition_penalty": 0)",
                                 R"("presence_penalty": 2.5)",
                                 R"("frequency_penalty": -3)",
                                 R"("seed": 1.5)",
                                 R"("seed": "1")",
                                 R"("logit_bias": [])",
                                 R"("logit_bias": {"x": 1})",
                                 R"("logit_bias": {"3072": 1})",
                                 R"("logit_bias": {"-1": 1})",
                                 R"("max_tokens": -1)",
                                 R"("max_tokens": true)",
                                 R"("min_tokens": -1)",
                                 R"("min_tokens": 17)",
                                 R"("n": 0)",
                                 R"("n": 129)",
                                 R"("n": 65)",
                                 R"("best_of": 21)",
                                 R"("best_of": -1)",
                                 R"("logprobs": 21)",
                                 R"("logprobs": -1)",
                                 R"("logprobs": true)",
                                 R"("prompt_logprobs": 21)",
                                 R"("echo": 1)",
                                 R"("stream": "yes")",
                                 R"("stop": 3)",
                                 R"("stop": [3])",
                                 R"("stop": {})",
                                 R"("stop_token_ids": [3072])",
                                 R"("stop_token_ids": 3)",
                                 R"("include_stop_str_in_output": 1)",
                                 R"("ignore_eos": 0)",
                                 R"("skip_special_tokens": "no")",
                                 R"("length_penalty": 2)",
                                 R"("early_stopping": true)",
                                 R"("use_beam_search": 3)",
                                 R"("priority": "high")",
                                 R"("stream_options": {})",
                                 R"("request_id": "")",
                                 R"("add_special_tokens": 3)"}) {
    const std::string field = more.substr(1, more.find('"', 1) - 1);
    const Json error = server.error(kPath, completion_body(more));
    EXPECT_EQ(error["param"], field) << error.dump();
    EXPECT_EQ(error["type"], "invalid_request_error");
    EXPECT_TRUE(error["code"].is_null());
    EXPECT_NE(error["message"].get<std::string>().find(", expected "), std::string::npos) << error.dump();
  }
  EXPECT_EQ(server.error(kPath, completion_body(R"("logit_bias": {"5": 101})"))["param"], "logit_bias.5");
}

TEST(StoppingFields, AreRead) {
  Server server;
  const Generation read = generation_of(server, R"("stop": ["a", "", "b"], "stop_token_ids": [5, 6],
      "include_stop_str_in_output": true, "ignore_eos": true, "skip_special_tokens": false, "min_tokens": 3)");
  EXPECT_THAT(read.stop_strings, ElementsAre("a", "b"));
  EXPECT_THAT(read.stop_tokens, ElementsAre(5, 6));
  EXPECT_TRUE(read.include_stop_string);
  EXPECT_TRUE(read.ignore_eos);
  EXPECT_FALSE(read.skip_special_tokens);
  EXPECT_EQ(read.min_output, 3);
  EXPECT_THAT(generation_of(server, R"("stop": "x")").stop_strings, ElementsAre("x"));
  EXPECT_TRUE(generation_of(server, R"("stop": [])").stop_strings.empty());
}

TEST(StoppingFields, HaveUpTo16StopStrings) {
  Server server;
  Json stops = Json::array();
  for (int i = 0; i < 16; ++i) stops.push_back("s" + std::to_string(i));
  EXPECT_EQ(generation_of(server, "\"stop\": " + stops.dump()).stop_strings.size(), 16U);
  stops.push_back("one more");
  EXPECT_EQ(server.error(kPath, completion_body("\"stop\": " + stops.dump()))["param"], "stop");
}

TEST(ChoiceFields, MakeCandidatesAndRankThem) {
  Server server;
  const Generation ranked = generation_of(server, R"("n": 2, "best_of": 5)");
  EXPECT_EQ(ranked.choices, 2);
  EXPECT_EQ(ranked.candidates, 5);
  EXPECT_TRUE(ranked.ranked);
  const Generation plain = generation_of(server, R"("n": 3, "best_of": 0)");
  EXPECT_EQ(plain.candidates, 3);
  EXPECT_FALSE(plain.ranked);
  EXPECT_EQ(server.error(kPath, completion_body(R"("n": 3, "best_of": 2)"))["param"], "best_of");
}

TEST(ChoiceFields, SearchWithBeams) {
  Server server;
  const Generation beams = generation_of(
      server, R"("use_beam_search": true, "best_of": 4, "length_penalty": 0.5, "early_stopping": true)");
  EXPECT_TRUE(beams.beam_search);
  EXPECT_EQ(beams.candidates, 4);
  EXPECT_EQ(beams.length_penalty, 0.5);
  EXPECT_TRUE(beams.early_stopping);
  EXPECT_EQ(beams.sampling.temperature, 0.0);
  EXPECT_EQ(server.error(kPath, completion_body(R"("use_beam_search": true, "temperature": 1)"))["param"],
            "temperature");
}

TEST(ChoiceFields, ThatAreKnownOnlyAtTheEndDoNotStream) {
  Server server;
  EXPECT_EQ(server.error(kPath, completion_body(R"("stream": true, "best_of": 2)"))["param"], "best_of");
  EXPECT_EQ(server.error(kPath, completion_body(R"("stream": true, "use_beam_search": true)"))["param"],
            "use_beam_search");
  EXPECT_EQ(server.error(kPath, completion_body(R"("stream": true, "prompt_logprobs": 1)"))["param"],
            "prompt_logprobs");
}

TEST(ChoiceFields, CarryThePriority) {
  Server server;
  EXPECT_EQ(generation_of(server, R"("priority": -3)").priority, -3);
}

TEST(GuideFields, AreReadFromEveryFormThatClientsUse) {
  Server server;
  using Kind = GuideSpec::Kind;
  const auto guide = [&](const std::string& more) {
    const Generation read = generation_of(server, more);
    EXPECT_TRUE(read.guide.has_value()) << more;
    return std::tuple(read.guide->kind, read.guide->text, read.guide_field);
  };
  const std::string schema = R"({"type":"object"})";
  const std::string quoted = Json(schema).dump();
  EXPECT_EQ(guide(R"("response_format": {"type": "json_object"})"),
            std::tuple(Kind::kJsonObject, "", "response_format"));
  EXPECT_EQ(guide(R"("response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": )" +
                  schema + "}}"),
            std::tuple(Kind::kJsonSchema, schema, "response_format"));
  EXPECT_EQ(guide(R"("response_format": {"type": "json_schema", "json_schema": {"name": "x"}})"),
            std::tuple(Kind::kJsonObject, "", "response_format"));
  EXPECT_EQ(guide(R"("response_format": {"type": "json_object", "value": )" + schema + "}"),
            std::tuple(Kind::kJsonSchema, schema, "response_format"));
  EXPECT_EQ(guide(R"("response_format": {"type": "regex", "value": "a+"})"),
            std::tuple(Kind::kRegex, "a+", "response_format"));
  EXPECT_EQ(guide("\"guided_json\": " + schema), std::tuple(Kind::kJsonSchema, schema, "guided_json"));
  EXPECT_EQ(guide("\"guided_json\": " + quoted), std::tuple(Kind::kJsonSchema, schema, "guided_json"));
  EXPECT_EQ(guide(R"("guided_regex": "a+")"), std::tuple(Kind::kRegex, "a+", "guided_regex"));
  EXPECT_EQ(guide(R"("guided_grammar": "root ::= \"a\"")"),
            std::tuple(Kind::kGrammar, "root ::= \"a\"", "guided_grammar"));
  EXPECT_EQ(guide(R"("structured_outputs": {"regex": "a+"})"),
            std::tuple(Kind::kRegex, "a+", "structured_outputs.regex"));
  EXPECT_EQ(guide(R"("structured_outputs": {"json_object": true})"),
            std::tuple(Kind::kJsonObject, "", "structured_outputs.json_object"));
  EXPECT_THAT(generation_of(server, R"("guided_choice": ["yes", "no"])").guide->choices,
              ElementsAre("yes", "no"));
  EXPECT_FALSE(generation_of(server, R"("response_format": {"type": "text"})").guide.has_value());
}

TEST(GuideFields, OfAnotherFormAreRefusedByName) {
  Server server;
  const auto field = [&](const std::string& more) {
    return server.error(kPath, completion_body(more))["param"].get<std::string>();
  };
  EXPECT_EQ(field(R"("response_format": "json")"), "response_format");
  EXPECT_EQ(field(R"("response_format": {"type": "xml"})"), "response_format.type");
  EXPECT_EQ(field(R"("response_format": {"type": "json_schema"})"), "response_format.json_schema");
  EXPECT_EQ(field(R"("response_format": {"type": "json_schema", "json_schema": {}})"),
            "response_format.json_schema.name");
  EXPECT_EQ(field(R"("response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": 3}})"),
            "response_format.json_schema.schema");
  EXPECT_EQ(field(R"("response_format": {"type": "json_object", "value": 3})"), "response_format.value");
  EXPECT_EQ(field(R"("response_format": {"type": "regex", "value": ""})"), "response_format.value");
  EXPECT_EQ(field(R"("response_format": {"type": "regex"})"), "response_format.type");
  EXPECT_EQ(field(R"("guided_json": "{")"), "guided_json");
  EXPECT_EQ(field(R"("guided_json": "3")"), "guided_json");
  EXPECT_EQ(field(R"("guided_json": 3)"), "guided_json");
  EXPECT_EQ(field(R"("guided_regex": "")"), "guided_regex");
  EXPECT_EQ(field(R"("guided_choice": [])"), "guided_choice");
  EXPECT_EQ(field(R"("guided_choice": [1])"), "guided_choice");
  EXPECT_EQ(field(R"("guided_grammar": 3)"), "guided_grammar");
  EXPECT_EQ(field(R"("structured_outputs": {"structural_tag": {}})"), "structured_outputs.structural_tag");
  EXPECT_EQ(field(R"("guided_whitespace_pattern": " ")"), "guided_whitespace_pattern");
  EXPECT_EQ(field(R"("guided_regex": "a", "response_format": {"type": "json_object"})"), "guided_regex");
}

}  // namespace
}  // namespace caravan::serve::test
