// What TGI's paths answer, byte by byte.
#include <gmock/gmock.h>

#include "serve/tgi/dialect.h"
#include "support/served.h"

namespace caravan::serve {
namespace {

using test::choice;
using test::demo_tokenizer;
using test::event;
using test::get;
using test::post;
using test::token;

Call call_for(const std::string& path, const std::string& parameters) {
  return test::call_of(tgi_dialect(), post(path, R"({"inputs": "Once", "parameters": )" + parameters + "}"));
}

GenerationResult result_of(std::vector<ChoiceResult> choices) {
  GenerationResult result;
  result.choices = std::move(choices);
  result.prompt_count = 3;
  result.seed = 42;
  result.queue_seconds = 0.001;
  result.total_seconds = 0.005;
  return result;
}

TEST(TgiAnswer, OfTheRootIsAListWithThePromptInFront) {
  const Call call = call_for("/", "{}");
  EXPECT_FALSE(call.stream);
  const http::Response response =
      call.answer->whole({result_of({choice({token(100, " upon"), token(101, " a")}, Ending::kLength)})});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"([{"generated_text":"Once upon a"}])");
}

TEST(TgiAnswer, LeavesThePromptOutWhereAsked) {
  const Call call = call_for("/", R"({"return_full_text": false})");
  EXPECT_EQ(call.answer->whole({result_of({choice({token(100, " upon")}, Ending::kLength)})}).body,
            R"([{"generated_text":" upon"}])");
}

TEST(TgiAnswer, ShowsItsTimesInHeaders) {
  const Call call = call_for("/", "{}");
  const http::Response response =
      call.answer->whole({result_of({choice({token(100, " upon"), token(101, " a")}, Ending::kLength)})});
  using testing::Pair;
  EXPECT_THAT(response.headers,
              testing::ElementsAre(Pair("x-compute-characters", "4"), Pair("x-total-time", "5"),
                                   Pair("x-queue-time", "1"), Pair("x-inference-time", "4"),
                                   Pair("x-time-per-token", "2"), Pair("x-prompt-tokens", "3"),
                                   Pair("x-generated-tokens", "2")));
}

TEST(TgiAnswer, DetailsNameEveryToken) {
  const Call call = call_for("/", R"({"details": true, "return_full_text": false})");
  ChoiceResult eos = choice({token(100, " upon"), token(1, "")}, Ending::kStopToken);
  EXPECT_EQ(call.answer->whole({result_of({eos})}).body,
            R"([{"generated_text":" upon","details":{"finish_reason":"eos_token","generated_tokens":2,)"
            R"("seed":null,"prefill":[],"tokens":[{"id":100,"text":" upon","logprob":-0.5,"special":false},)"
            R"({"id":1,"text":"<|end_of_text|>","logprob":-0.5,"special":true}]}}])");
}

TEST(TgiAnswer, PrefillBeginsWithoutALogProbability) {
  const Call call = call_for("/", R"({"decoder_input_details": true, "do_sample": true})");
  GenerationResult result = result_of({choice({token(100, " upon")}, Ending::kStopString)});
  const std::vector<int32_t> ids = demo_tokenizer().encode("Once");
  result.prompt_tokens = {token(ids[0], ""), token(ids[1], "Once")};
  result.prompt_tokens[0].logprob.reset();
  const Json body = Json::parse(call.answer->whole({result}).body);
  const Json& details = body[0]["details"];
  EXPECT_EQ(details["finish_reason"], "stop_sequence");
  EXPECT_EQ(details["seed"], 42);
  EXPECT_EQ(details["prefill"][0].dump(), R"({"id":0,"text":"<|begin_of_text|>","logprob":null})");
  EXPECT_EQ(details["prefill"][1]["logprob"], -0.5);
}

TEST(TgiAnswer, TopTokensAreOnlyThereWhereAsked) {
  const Call call = call_for("/", R"({"details": true, "top_n_tokens": 1})");
  TokenResult with_top = token(100, " upon");
  with_top.top = {{1, -0.25}};
  const Json body = Json::parse(call.answer->whole({result_of({choice({with_top}, Ending::kLength)})}).body);
  EXPECT_EQ(body[0]["details"]["top_tokens"].dump(),
            R"([[{"id":1,"text":"<|end_of_text|>","logprob":-0.25,"special":true}]])");
}

TEST(TgiAnswer, BestOfPutsTheOthersIntoTheDetails) {
  const Call call = call_for("/", R"({"details": true, "best_of": 2, "do_sample": true})");
  const http::Response response = call.answer->whole({result_of(
      {choice({token(100, " upon")}, Ending::kLength), choice({token(101, " a")}, Ending::kLength)})});
  const Json body = Json::parse(response.body);
  EXPECT_EQ(body[0]["generated_text"], "Once upon");
  const Json& others = body[0]["details"]["best_of_sequences"];
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].dump(),
            R"({"generated_text":"Once a","finish_reason":"length","generated_tokens":1,"seed":42,)"
            R"("prefill":[],"tokens":[{"id":101,"text":" a","logprob":-0.5,"special":false}]})");
}

TEST(TgiStream, HasAnEventForEachTokenAndAllInTheLast) {
  const Call call = call_for("/generate_stream", R"({"details": true, "temperature": 0.5})");
  EXPECT_EQ(call.stream_type, "text/event-stream");
  Answer& answer = *call.answer;
  EXPECT_EQ(answer.begin(), "");
  EXPECT_EQ(answer.event(event(100, " upon")),
            "data: {\"index\":1,\"token\":{\"id\":100,\"text\":\" upon\",\"logprob\":-0.5,\"special\":false},"
            "\"generated_text\":null,\"details\":null}\n\n");
  EXPECT_EQ(answer.event(event(101, " a", Ending::kLength)), "");
  EXPECT_EQ(answer.end({result_of({})}),
            "data: {\"index\":2,\"token\":{\"id\":101,\"text\":\" a\",\"logprob\":-0.5,\"special\":false},"
            "\"generated_text\":\" upon a\",\"details\":{\"finish_reason\":\"length\",\"generated_tokens\":2,"
            "\"seed\":42,\"input_length\":3}}\n\n");
}

TEST(TgiStream, OfTheRootBeginsItsTextWithThePrompt) {
  const Call call = test::call_of(tgi_dialect(), post("/", R"({"inputs": "Once", "stream": true})"));
  EXPECT_TRUE(call.stream);
  call.answer->event(event(100, " upon", Ending::kStopString));
  EXPECT_THAT(call.answer->end({result_of({})}),
              testing::HasSubstr(R"("generated_text":"Once upon","details":null})"));
}

TEST(TgiStream, GivesSeveralTokensOfAStepOneEventEach) {
  const Call call = call_for("/generate_stream", "{}");
  ChoiceEvent two = event(100, " upon");
  two.tokens.push_back(token(101, " a"));
  const std::string out = call.answer->event(two);
  EXPECT_THAT(out, testing::HasSubstr(R"({"index":1,"token":{"id":100,)"));
  EXPECT_THAT(out, testing::HasSubstr(R"({"index":2,"token":{"id":101,)"));
}

TEST(TgiStream, BreaksOffWithAnErrorEvent) {
  const Call call = call_for("/generate_stream", "{}");
  EXPECT_EQ(call.answer->failed({FailureKind::kGeneration, "out of blocks", "", ""}),
            "data: {\"error\":\"Request failed during generation: out of blocks\","
            "\"error_type\":\"generation\"}\n\n");
}

TEST(TgiStream, SaysSoWhereTimeHasCutIt) {
  const Call call = call_for("/generate_stream", "{}");
  ChoiceEvent last;
  last.finish = Finish{Ending::kTimeout, {}, ""};
  EXPECT_EQ(call.answer->event(last), "");
  EXPECT_THAT(call.answer->end({result_of({})}), testing::HasSubstr(R"("error_type":"generation")"));
}

TEST(TgiFailure, HasTgisCodes) {
  const std::vector<std::pair<FailureKind, std::string>> cases = {
      {FailureKind::kMalformed, "400 validation"},
      {FailureKind::kInvalid, "422 validation"},
      {FailureKind::kUnauthorized, "401 unauthorized"},
      {FailureKind::kForbidden, "403 forbidden"},
      {FailureKind::kNotFound, "404 not_found"},
      {FailureKind::kMethod, "405 method_not_allowed"},
      {FailureKind::kTooLarge, "413 validation"},
      {FailureKind::kOverloaded, "429 overloaded"},
      {FailureKind::kUnavailable, "503 unavailable"},
      {FailureKind::kTimeout, "424 generation"},
      {FailureKind::kGeneration, "424 generation"},
      {FailureKind::kInternal, "500 incomplete_generation"}};
  for (const auto& [kind, expected] : cases) {
    const http::Response response = tgi_failure({kind, "why", "", ""});
    const Json body = Json::parse(response.body);
    EXPECT_EQ(std::to_string(response.status) + " " + body["error_type"].get<std::string>(), expected);
    EXPECT_THAT(body["error"].get<std::string>(), testing::EndsWith("why"));
  }
}

TEST(TgiTokenize, TellsWhereEachTokenStands) {
  const http::Response response =
      test::response_of(tgi_dialect(), post("/tokenize", R"({"inputs": "Once upon"})"));
  const Json tokens = Json::parse(response.body);
  ASSERT_GE(tokens.size(), 3U);
  EXPECT_EQ(tokens[0].dump(), R"({"id":0,"text":"","start":0,"stop":0})");
  std::string all;
  for (size_t i = 1; i < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i]["start"], all.size());
    all += tokens[i]["text"].get<std::string>();
    EXPECT_EQ(tokens[i]["stop"], all.size());
  }
  EXPECT_EQ(all, "Once upon");
}

TEST(TgiTokenize, CountsCharactersNotBytes) {
  const http::Response response = test::response_of(
      tgi_dialect(), post("/tokenize", R"({"inputs": "é🦙 time", "add_special_tokens": false})"));
  const Json tokens = Json::parse(response.body);
  EXPECT_EQ(tokens.front()["start"], 0);
  EXPECT_EQ(tokens.back()["stop"], 7);
  EXPECT_EQ(tokens.back()["text"], " time");
}

TEST(TgiTokenize, FindsSpecialTokensThatTheTextWrites) {
  const http::Response response =
      test::response_of(tgi_dialect(), post("/tokenize", R"({"inputs": "<|eot_id|>"})"));
  EXPECT_EQ(Json::parse(response.body)[1].dump(), R"({"id":4,"text":"<|eot_id|>","start":0,"stop":10})");
}

TEST(TgiInfo, DescribesTheModelAndTheLimits) {
  ServerStatus status;
  status.total_blocks = 10;
  const Json info = Json::parse(test::response_of(tgi_dialect(), get("/info"), status).body);
  EXPECT_EQ(info["model_id"], "demo");
  EXPECT_EQ(info["model_dtype"], "bf16");
  EXPECT_EQ(info["max_concurrent_requests"], 40);
  EXPECT_EQ(info["max_best_of"], 4);
  EXPECT_EQ(info["max_stop_sequences"], 4);
  EXPECT_EQ(info["max_input_tokens"], 63);
  EXPECT_EQ(info["max_total_tokens"], 64);
  EXPECT_EQ(info["max_batch_total_tokens"], 160);
  EXPECT_EQ(info["router"], "caravan");
  EXPECT_EQ(info["version"], "1.2.3");
  EXPECT_EQ(info["models"][0]["model_id"], "demo");
}

TEST(TgiHealth, IsBadWhereTheEngineIsStuckOrTheServerStops) {
  EXPECT_EQ(test::response_of(tgi_dialect(), get("/health")).status, 200);
  ServerStatus busy;
  busy.ready = false;
  EXPECT_EQ(test::response_of(tgi_dialect(), get("/health"), busy).status, 200);
  ServerStatus stuck;
  stuck.live = false;
  const http::Response response = test::response_of(tgi_dialect(), get("/health"), stuck);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, R"({"error":"unhealthy","error_type":"healthcheck"})");
  ServerStatus stopping;
  stopping.draining = true;
  EXPECT_EQ(test::response_of(tgi_dialect(), get("/health"), stopping).status, 503);
}

}  // namespace
}  // namespace caravan::serve
