// The paths beside generation, embeddings, and the words of every failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/match_path.h"
#include "serve/openai/dialect.h"
#include "serve_openai/support.h"

namespace caravan::serve::test {
namespace {

using testing::ElementsAre;

TEST(Paths, MatchPartByPart) {
  EXPECT_EQ(match_path("/v1/models", "/v1/models"), PathValues{});
  EXPECT_EQ(match_path("/v2/models/{m}/ready", "/v2/models/a/ready"), (PathValues{{"m", "a"}}));
  EXPECT_EQ(match_path("/v1/models/{m...}", "/v1/models/a/b"), (PathValues{{"m", "a/b"}}));
  EXPECT_EQ(match_path("/", "/"), PathValues{});
  for (const char* other : {"/v1", "/v1/models/", "/v1/models/a/b", "v1/models/a", "/v1/models//", "", "/"})
    EXPECT_EQ(match_path("/v1/models/{m}", other), std::nullopt) << other;
  EXPECT_EQ(match_path("/v1/models/{m...}", "/v1/models/"), std::nullopt);
  EXPECT_EQ(match_path("/v1/models/{m...}", "/v1/models"), std::nullopt);
  EXPECT_EQ(match_path("/health", "/health/"), std::nullopt);
  EXPECT_EQ(match_path("/", ""), std::nullopt);
}

TEST(Models, AreListed) {
  Server server;
  const Json model = Json::parse(R"({"id": "org/demo", "object": "model", "created": 1700000000,
      "owned_by": "caravan", "root": "org/demo", "parent": null, "max_model_len": 512})");
  EXPECT_EQ(Json::parse(server.answer("GET", "/v1/models").body),
            (Json{{"object", "list"}, {"data", {model}}}));
  EXPECT_EQ(Json::parse(server.answer("GET", "/v1/models/org/demo").body), model);
  const http::Response other = server.answer("GET", "/v1/models/demo");
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(Json::parse(other.body)["error"]["code"], "model_not_found");
}

TEST(Health, IsTheEnginesAndReadinessTheServers) {
  Server server;
  EXPECT_EQ(server.answer("GET", "/health").status, 200);
  EXPECT_EQ(server.answer("GET", "/health").body, "");
  EXPECT_EQ(server.answer("GET", "/ready").status, 200);
  EXPECT_EQ(Json::parse(server.answer("GET", "/ready").body)["status"], "ready");
  server.status.ready = false;
  EXPECT_EQ(server.answer("GET", "/health").status, 200);
  EXPECT_EQ(server.answer("GET", "/ready").status, 503);
  EXPECT_EQ(Json::parse(server.answer("GET", "/ready").body)["status"], "busy");
  server.status.draining = true;
  EXPECT_EQ(Json::parse(server.answer("GET", "/ready").body)["status"], "draining");
  server.status = {};
  server.status.live = server.status.ready = false;
  EXPECT_EQ(server.answer("GET", "/health").status, 503);
  EXPECT_EQ(Json::parse(server.answer("GET", "/ready").body)["status"], "failed");
}

TEST(Version, IsCaravans) {
  Server server;
  EXPECT_EQ(server.answer("GET", "/version").body, R"({"version":"0.4.0"})");
}

TEST(Tokenize, GivesTheIdsOfAPrompt) {
  Server server;
  const Json plain = Json::parse(server.answer("POST", "/tokenize", R"({"prompt": "Once"})").body);
  EXPECT_EQ(plain["tokens"], Json(server.model.tokenizer->encode("Once")));
  EXPECT_EQ(plain["count"], 2);
  EXPECT_EQ(plain["max_model_len"], 512);
  EXPECT_TRUE(plain["token_strs"].is_null());
  const Json bare =
      Json::parse(server
                      .answer("POST", "/tokenize",
                              R"({"prompt": "Once", "add_special_tokens": false, "return_token_strs": true})")
                      .body);
  EXPECT_EQ(bare["count"], 1);
  EXPECT_EQ(bare["token_strs"], Json::parse(R"(["Once"])"));
}

TEST(Tokenize, TakesTextsLongerThanTheContextAndEmptyOnes) {
  Server server;
  const std::string longer = Json{{"prompt", std::string(4000, '!')}}.dump();
  EXPECT_GT(Json::parse(server.answer("POST", "/tokenize", longer).body)["count"], 512);
  EXPECT_EQ(
      Json::parse(
          server.answer("POST", "/tokenize", R"({"prompt": "", "add_special_tokens": false})").body)["count"],
      0);
}

TEST(Tokenize, GivesTheIdsOfAChatAsItIsGenerated) {
  Server server;
  const Json answer = Json::parse(server.answer("POST", "/tokenize", chat_body()).body);
  EXPECT_EQ(answer["tokens"], Json(server.call("/v1/chat/completions", chat_body()).generations[0].prompt));
}

TEST(Tokenize, RefusesOtherForms) {
  Server server;
  EXPECT_EQ(server.error("/tokenize", "{}")["param"], "prompt");
  EXPECT_EQ(server.error("/tokenize", R"({"prompt": 3})")["param"], "prompt");
  EXPECT_EQ(server.error("/tokenize", chat_body(R"("prompt": "x")"))["param"], "prompt");
  EXPECT_EQ(server.error("/tokenize", R"({"prompt": "x", "model": "y"})", 404)["code"], "model_not_found");
  EXPECT_EQ(server.error("/tokenize", R"({"prompt": "x", "return_token_strs": 1})")["param"],
            "return_token_strs");
}

TEST(Detokenize, GivesBackTheText) {
  Server server;
  const Json ids = server.model.tokenizer->encode("Once upon 从前");
  const http::Response response = server.answer("POST", "/detokenize", Json{{"tokens", ids}}.dump());
  EXPECT_EQ(Json::parse(response.body)["prompt"], "<|begin_of_text|>Once upon 从前");
  EXPECT_EQ(server.answer("POST", "/detokenize", R"({"tokens": []})").body, R"({"prompt":""})");
  for (const char* wrong : {"{}", R"({"tokens": "x"})", R"({"tokens": [3072]})", R"({"tokens": [-1]})"})
    EXPECT_EQ(server.error("/detokenize", wrong)["param"], "tokens") << wrong;
}

TEST(TokenizerInfo, HasWhatLmEvalReads) {
  Server server;
  const Json info = Json::parse(server.answer("GET", "/tokenizer_info").body);
  EXPECT_EQ(info["bos_token"], "<|begin_of_text|>");
  EXPECT_EQ(info["eos_token"], "<|end_of_text|>");
  EXPECT_EQ(info["pad_token"], "<|pad|>");
  EXPECT_EQ(info["model_max_length"], 512);
  EXPECT_EQ(info["chat_template"], server.model.chat_template->text());
}

TEST(Embeddings, AreOfEachInput) {
  Server server;
  const Call call = server.call("/v1/embeddings", R"({"input": ["Once", "a"], "dimensions": 256})");
  ASSERT_EQ(call.generations.size(), 2U);
  EXPECT_TRUE(call.generations[0].embed);
  EXPECT_EQ(call.generations[0].max_output, 0);
  EXPECT_EQ(call.generations[0].prompt, server.model.tokenizer->encode("Once"));
  EXPECT_FALSE(call.stream);
  std::vector<GenerationResult> results(2);
  results[0].embedding = {0.5F, -2.0F};
  results[0].prompt_count = 2;
  results[1].embedding = {1.0F, 0.0F};
  results[1].prompt_count = 3;
  Json answer = Json::parse(call.answer->whole(results).body);
  EXPECT_EQ(answer["object"], "list");
  EXPECT_EQ(answer["data"], Json::parse(R"([{"object": "embedding", "index": 0, "embedding": [0.5, -2.0]},
                                            {"object": "embedding", "index": 1, "embedding": [1.0, 0.0]}])"));
  EXPECT_EQ(answer["usage"], Json::parse(R"({"prompt_tokens": 5, "total_tokens": 5})"));
}

TEST(Embeddings, AreLittleEndianInBase64) {
  Server server;
  const Call call = server.call("/v1/embeddings", R"({"input": [5, 6], "encoding_format": "base64"})");
  EXPECT_EQ(call.generations.at(0).prompt, (std::vector<int32_t>{5, 6}));
  std::vector<GenerationResult> results(1);
  results[0].embedding = {1.0F, -2.0F};
  EXPECT_EQ(Json::parse(call.answer->whole(results).body)["data"][0]["embedding"], "AACAPwAAAMA=");
}

TEST(Embeddings, RefuseOtherForms) {
  Server server;
  const auto field = [&](const std::string& body) {
    return server.error("/v1/embeddings", body)["param"].get<std::string>();
  };
  EXPECT_EQ(field("{}"), "input");
  EXPECT_EQ(field(R"({"input": [], "model": ""})"), "input");
  EXPECT_EQ(field(R"({"input": {}})"), "input");
  EXPECT_EQ(field(R"({"input": "a", "dimensions": 128})"), "dimensions");
  EXPECT_EQ(field(R"({"input": "a", "encoding_format": "hex"})"), "encoding_format");
  std::string many = R"(["a")";
  for (int i = 0; i < 2048; ++i) many += R"(, "a")";
  EXPECT_EQ(field(R"({"input": )" + many + "]}"), "input");
  EXPECT_EQ(server.error("/v1/embeddings", R"({"input": "a", "model": "x"})", 404)["param"], "model");
}

TEST(Failures, HaveOpenAisStatusAndWords) {
  const Dialect dialect = openai_dialect();
  const auto words = [&](FailureKind kind) {
    const http::Response response = dialect.failure({kind, "why", "", ""});
    EXPECT_EQ(response.content_type, "application/json");
    const Json error = Json::parse(response.body)["error"];
    EXPECT_EQ(error["message"], "why");
    EXPECT_TRUE(error["param"].is_null());
    return std::to_string(response.status) + " " + error["type"].get<std::string>() + " " +
           error["code"].dump();
  };
  EXPECT_EQ(words(FailureKind::kMalformed), "400 invalid_request_error null");
  EXPECT_EQ(words(FailureKind::kInvalid), "400 invalid_request_error null");
  EXPECT_EQ(words(FailureKind::kUnauthorized), "401 invalid_request_error \"invalid_api_key\"");
  EXPECT_EQ(words(FailureKind::kForbidden), "403 permission_error null");
  EXPECT_EQ(words(FailureKind::kNotFound), "404 invalid_request_error null");
  EXPECT_EQ(words(FailureKind::kMethod), "405 invalid_request_error \"method_not_allowed\"");
  EXPECT_EQ(words(FailureKind::kTimeout), "408 timeout_error \"timeout\"");
  EXPECT_EQ(words(FailureKind::kTooLarge), "413 invalid_request_error \"request_too_large\"");
  EXPECT_EQ(words(FailureKind::kOverloaded), "429 rate_limit_error \"rate_limit_exceeded\"");
  EXPECT_EQ(words(FailureKind::kGeneration), "500 server_error null");
  EXPECT_EQ(words(FailureKind::kInternal), "500 server_error null");
  EXPECT_EQ(words(FailureKind::kUnavailable), "503 server_error \"service_unavailable\"");
}

TEST(Failures, NameTheFieldAndTheCode) {
  const http::Response response =
      openai_dialect().failure({FailureKind::kInvalid, "why", "prompt", "context_length_exceeded"});
  EXPECT_EQ(response.body, R"({"error":{"message":"why","type":"invalid_request_error","param":"prompt",)"
                           R"("code":"context_length_exceeded"}})");
}

TEST(Failures, SayWhenToComeAgainAndHowToShowAKey) {
  const Dialect dialect = openai_dialect();
  using Header = std::pair<std::string, std::string>;
  EXPECT_THAT(dialect.failure({FailureKind::kOverloaded, "", "", ""}).headers,
              ElementsAre(Header("Retry-After", "1")));
  EXPECT_THAT(dialect.failure({FailureKind::kUnavailable, "", "", ""}).headers,
              ElementsAre(Header("Retry-After", "1")));
  EXPECT_THAT(dialect.failure({FailureKind::kUnauthorized, "", "", ""}).headers,
              ElementsAre(Header("WWW-Authenticate", "Bearer")));
}

}  // namespace
}  // namespace caravan::serve::test
