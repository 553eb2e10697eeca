// POST /v1/completions: what its fields become, and what its answers look like.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_openai/support.h"

namespace caravan::serve::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPath = "/v1/completions";

Generation generation_of(Server& server, const std::string& more) {
  return server.call(kPath, completion_body(more)).generations.at(0);
}

TEST(Completions, TakeAStringWithTheTokenizersSpecialTokens) {
  Server server;
  const Generation generation = generation_of(server, "");
  EXPECT_EQ(generation.prompt, server.model.tokenizer->encode("Once"));
  EXPECT_EQ(generation.prompt[0], 0) << "BOS";
  EXPECT_EQ(generation.prompt_text, "Once");
  EXPECT_EQ(generation.max_output, 16);
  EXPECT_EQ(generation_of(server, R"("add_special_tokens": false)").prompt,
            server.model.tokenizer->encode("Once", {.add_special = false}));
}

TEST(Completions, TakeListsOfStringsAndOfIds) {
  Server server;
  const auto prompts = [&](const std::string& prompt) {
    std::vector<std::vector<int32_t>> ids;
    for (const Generation& generation : server.call(kPath, R"({"prompt": )" + prompt + "}").generations)
      ids.push_back(generation.prompt);
    return ids;
  };
  EXPECT_EQ(prompts(R"(["Once", "a"])").size(), 2U);
  EXPECT_THAT(prompts("[5, 6, 7]"), ElementsAre(std::vector<int32_t>{5, 6, 7}));
  EXPECT_THAT(prompts("[[5], [6, 7]]"), ElementsAre(std::vector<int32_t>{5}, std::vector<int32_t>{6, 7}));
}

TEST(Completions, RefusePromptsOfAnotherForm) {
  Server server;
  for (const std::string prompt :
       {"3", "[]", R"("")", "{}", "[[]]", "[3072]", "[-1]", "[1.5]", R"(["a", 1])", R"([1, "a"])", "[[1], 2]",
        "[true]", "[1e300]", "[18446744073709551615]"}) {
    const Json error = server.error(kPath, R"({"add_special_tokens": false, "prompt": )" + prompt + "}");
    EXPECT_THAT(error["param"].get<std::string>(), testing::StartsWith("prompt")) << prompt;
    EXPECT_EQ(error["type"], "invalid_request_error");
  }
  EXPECT_EQ(server.error(kPath, "{}")["param"], "prompt");
}

TEST(Completions, RefuseWhatTheContextDoesNotHold) {
  Server server;
  std::string ids = "[5";
  for (int i = 1; i < 512; ++i) ids += ", 5";
  const Json full = server.error(kPath, R"({"prompt": )" + ids + "]}");
  EXPECT_EQ(full["code"], "context_length_exceeded");
  EXPECT_THAT(full["message"].get<std::string>(), HasSubstr("maximum context length is 512"));
  const Json longer = server.error(kPath, R"({"prompt": [5, 6], "max_tokens": 511})");
  EXPECT_EQ(longer["code"], "context_length_exceeded");
  EXPECT_EQ(longer["param"], "max_tokens");
  EXPECT_EQ(server.call(kPath, R"({"prompt": [5, 6], "max_tokens": 510})").generations[0].max_output, 510);
  std::string nearly = "[5";
  for (int i = 1; i < 510; ++i) nearly += ", 5";
  EXPECT_EQ(server.call(kPath, R"({"prompt": )" + nearly + "]}").generations[0].max_output, 2)
      << "the default of 16 is what fits";
}

TEST(Completions, AnswerAsOpenAiAndVllm) {
  Server server;
  const Call call = server.call(kPath, completion_body());
  EXPECT_FALSE(call.stream);
  const Json answer = whole(call, server.model, {" upon a time"});
  EXPECT_EQ(answer["id"], "cmpl-made-here");
  EXPECT_EQ(answer["object"], "text_completion");
  EXPECT_GT(answer["created"].get<int64_t>(), 1700000000);
  EXPECT_EQ(answer["model"], "org/demo");
  EXPECT_EQ(answer["choices"], Json::parse(R"([{"index": 0, "text": " upon a time", "logprobs": null,
                                                "finish_reason": "stop", "stop_reason": null}])"));
  EXPECT_EQ(answer["usage"], Json::parse(R"({"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5,
                                             "prompt_tokens_details": {"cached_tokens": 1}})"));
}

TEST(Completions, SayWhyTheyEnded) {
  Server server;
  const auto reasons = [&](const Finish& finish) {
    const Json choice =
        whole(server.call(kPath, completion_body()), server.model, {"x"}, finish)["choices"][0];
    return choice["finish_reason"].get<std::string>() + " " + choice["stop_reason"].dump();
  };
  EXPECT_EQ(reasons({Ending::kStopToken, 4, ""}), "stop null") << "the model's own";
  EXPECT_EQ(reasons({Ending::kStopToken, 300, ""}), "stop 300");
  EXPECT_EQ(reasons({Ending::kStopString, std::nullopt, "END"}), "stop \"END\"");
  EXPECT_EQ(reasons({Ending::kLength, std::nullopt, ""}), "length null");
  EXPECT_EQ(reasons({Ending::kTimeout, std::nullopt, ""}), "abort null");
}

TEST(Completions, NumberChoicesThroughAllPrompts) {
  Server server;
  const Call call = server.call(kPath, R"({"prompt": ["a", "b"], "n": 2, "echo": true})");
  const Json answer = whole(call, server.model, {" one", " two"});
  std::vector<std::string> shown;
  for (const Json& choice : answer["choices"])
    shown.push_back(choice["index"].dump() + choice["text"].get<std::string>());
  EXPECT_THAT(shown, ElementsAre("0a one", "1a two", "2b one", "3b two"));
  EXPECT_EQ(answer["usage"]["prompt_tokens_details"]["cached_tokens"], 2);
}

TEST(Completions, ReportLogprobsInTheirOwnForm) {
  Server server;
  const Call call = server.call(kPath, completion_body(R"("logprobs": 2)"));
  EXPECT_EQ(call.generations[0].top_logprobs, 2);
  EXPECT_FALSE(call.generations[0].prompt_logprobs);
  const Json logprobs = whole(call, server.model, {" upon a"})["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], Json::parse(R"([" upon", " a"])"));
  EXPECT_EQ(logprobs["token_logprobs"], Json::parse("[-0.5, -0.5]"));
  EXPECT_EQ(logprobs["text_offset"], Json::parse("[0, 5]"));
  ASSERT_EQ(logprobs["top_logprobs"].size(), 2U);
  EXPECT_EQ(logprobs["top_logprobs"][0].size(), 3U) << "two and the token itself";
  EXPECT_EQ(logprobs["top_logprobs"][0][" upon"], -0.5);
}

TEST(Completions, EchoThePromptAndItsLogprobsForScoring) {
  Server server;
  // As lm-eval asks for log-likelihoods.
  const Call call = server.call(
      kPath, R"({"prompt": [0, 300, 301], "max_tokens": 1, "logprobs": 1, "echo": true, "temperature": 0})");
  EXPECT_EQ(call.generations[0].prompt_logprobs, 1);
  EXPECT_EQ(call.generations[0].sampling.temperature, 0.0);
  const Json choice = whole(call, server.model, {" a"})["choices"][0];
  const std::string prompt = server.model.tokenizer->decode(std::vector<int32_t>{300, 301});
  EXPECT_EQ(choice["text"], prompt + " a");
  const Json& logprobs = choice["logprobs"];
  EXPECT_EQ(logprobs["token_logprobs"], Json::parse("[null, -0.5, -0.5, -0.5]"));
  EXPECT_TRUE(logprobs["top_logprobs"][0].is_null());
  EXPECT_EQ(logprobs["top_logprobs"][1].size(), 1U) << "the token is the likeliest";
  EXPECT_EQ(logprobs["tokens"][0], "<|begin_of_text|>");
  EXPECT_EQ(logprobs["text_offset"][1], 0) << "BOS is not in the text";
  EXPECT_EQ(logprobs["text_offset"][3], static_cast<int64_t>(prompt.size()));
}

TEST(Completions, ScoreAloneWithMaxTokens0) {
  Server server;
  const Call call = server.call(kPath, completion_body(R"("max_tokens": 0, "echo": true, "logprobs": 0)"));
  EXPECT_EQ(call.generations[0].max_output, 0);
  const Json choice = whole(call, server.model, {""}, {Ending::kLength, std::nullopt, ""})["choices"][0];
  EXPECT_EQ(choice["text"], "Once");
  EXPECT_EQ(choice["logprobs"]["token_logprobs"], Json::parse("[null, -0.5]"));
  EXPECT_EQ(choice["logprobs"]["top_logprobs"], Json::parse(R"([null, {"Once": -0.5}])"));
  EXPECT_EQ(choice["finish_reason"], "length");
}

TEST(Completions, CountOffsetsInCharacters) {
  Server server;
  const Call call =
      server.call(kPath, R"({"prompt": "从前é<|eot_id|>x", "echo": true, "logprobs": 0, "max_tokens": 1})");
  const Json choice = whole(call, server.model, {"y"})["choices"][0];
  EXPECT_EQ(choice["text"], "从前é<|eot_id|>xy");
  const Json& offsets = choice["logprobs"]["text_offset"];
  EXPECT_EQ(offsets[0], 0);
  EXPECT_EQ(offsets[1], 0);
  EXPECT_EQ(offsets[offsets.size() - 3], 3) << "<|eot_id|> begins after three characters";
  EXPECT_EQ(offsets[offsets.size() - 2], 13);
  EXPECT_EQ(offsets[offsets.size() - 1], 14);
}

TEST(Completions, WriteBytesThatAreNoCharacterAsOpenAi) {
  Server server;
  const Call call = server.call(kPath, completion_body(R"("logprobs": 0)"));
  GenerationResult result = result_of(call, server.model, {"a"});
  const int32_t id = server.model.tokenizer->encode("\xF0\x9F\xA6\x99", {.add_special = false}).at(0);
  result.choices[0].tokens[0].id = id;
  const Json answer = Json::parse(call.answer->whole({result}).body);
  EXPECT_THAT(answer["choices"][0]["logprobs"]["tokens"][0].get<std::string>(),
              testing::StartsWith("bytes:\\xf0"));
}

TEST(Completions, WriteTokensAsIdsWhereAsked) {
  Server server;
  const Call call =
      server.call(kPath, completion_body(R"("logprobs": 1, "return_tokens_as_token_ids": true)"));
  const Json logprobs = whole(call, server.model, {"a"})["choices"][0]["logprobs"];
  EXPECT_THAT(logprobs["tokens"][0].get<std::string>(), testing::StartsWith("token_id:"));
  EXPECT_TRUE(logprobs["top_logprobs"][0].contains("token_id:300"));
}

TEST(Completions, WriteAProbabilityOf0AsVllm) {
  Server server;
  const Call call = server.call(kPath, completion_body(R"("logprobs": 1)"));
  GenerationResult result = result_of(call, server.model, {"a"});
  result.choices[0].tokens[0].logprob = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(Json::parse(call.answer->whole({result}).body)["choices"][0]["logprobs"]["token_logprobs"][0],
            -9999.0);
}

TEST(Completions, ReportPromptLogprobsInVllmsForm) {
  Server server;
  const Call call = server.call(kPath, completion_body(R"("prompt_logprobs": 1)"));
  EXPECT_EQ(call.generations[0].prompt_logprobs, 1);
  EXPECT_FALSE(call.generations[0].top_logprobs);
  const Json list = whole(call, server.model, {"a"})["choices"][0]["prompt_logprobs"];
  ASSERT_EQ(list.size(), 2U);
  EXPECT_TRUE(list[0].is_null());
  const Json own = list[1][std::to_string(call.generations[0].prompt[1])];
  EXPECT_EQ(own, Json::parse(R"({"logprob": -0.5, "rank": 2, "decoded_token": "Once"})"));
  EXPECT_EQ(list[1]["300"]["rank"], 1);
  EXPECT_EQ(server.call(kPath, completion_body(R"("prompt_logprobs": 1, "echo": true, "logprobs": 3)"))
                .generations[0]
                .prompt_logprobs,
            3);
}

TEST(Completions, RefuseWhatTheyCannotDoByName) {
  Server server;
  for (const std::string more :
       {R"("suffix": "x")", R"("prompt_embeds": "x")", R"("logits_processors": [])",
        R"("allowed_token_ids": [1])", R"("bad_words": ["x"])", R"("truncate_prompt_tokens": 3)"}) {
    const std::string field = more.substr(1, more.find('"', 1) - 1);
    EXPECT_EQ(server.error(kPath, completion_body(more))["param"], field);
  }
  server.call(kPath, completion_body(R"("suffix": "")"));
  server.call(kPath, completion_body(R"("suffix": null, "user": "me", "no_such_field": {"a": 1})"));
}

TEST(Completions, AreOfTheServedModelOnly) {
  Server server;
  const Json error = server.error(kPath, R"({"model": "gpt-4", "prompt": "x"})", 404);
  EXPECT_EQ(error["code"], "model_not_found");
  EXPECT_EQ(error["param"], "model");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("gpt-4"));
  server.call(kPath, R"({"prompt": "x"})");
  server.call(kPath, R"({"model": "", "prompt": "x"})");
  for (const char* any : {"tgi", "dummy"})
    server.call(kPath, R"({"prompt": "x", "model": ")" + std::string(any) + "\"}");
  EXPECT_EQ(server.error(kPath, R"({"model": 3, "prompt": "x"})")["param"], "model");
}

TEST(Completions, RefuseBodiesThatAreNoObject) {
  Server server;
  for (const std::string body : {"", "x", "[]", "3", "{\"a\": 1, \"a\": 2}", "{\"prompt\": \"\xff\"}"}) {
    const Json error = server.error(kPath, body);
    EXPECT_EQ(error["type"], "invalid_request_error") << body;
    EXPECT_TRUE(error["param"].is_null());
  }
}

TEST(Completions, AreNamedByTheRequest) {
  Server server;
  const auto id = [&](const std::string& more, const std::string& header) {
    Outcome outcome = server.request("POST", kPath, completion_body(more), header);
    return whole(std::get<Call>(outcome), server.model, {"a"})["id"].get<std::string>();
  };
  EXPECT_EQ(id("", "abc"), "cmpl-abc");
  EXPECT_EQ(id(R"("request_id": "own")", ""), "cmpl-own");
  EXPECT_EQ(id(R"("request_id": "own")", "abc"), "cmpl-abc") << "as vLLM";
  EXPECT_EQ(server.error(kPath, completion_body(R"("request_id": "a b")"))["param"], "request_id");
}

}  // namespace
}  // namespace caravan::serve::test
