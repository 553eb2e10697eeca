// The whole server over real sockets, with the demo model.
#include "serve/model_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "serve/running_model.h"

namespace caravan {
namespace {

using test::Client;
using test::Reply;
using test::request_text;
using test::RunningModel;
using test::ServerSettings;
using testing::HasSubstr;

constexpr const char* kCompletions = "/v1/completions";

std::string completion(const std::string& prompt, int max_tokens, const std::string& more = "") {
  return R"({"prompt": ")" + prompt + R"(", "temperature": 0, "max_tokens": )" + std::to_string(max_tokens) +
         more + "}";
}

std::string text_of(const Json& reply) { return reply.at("choices").at(0).at("text").get<std::string>(); }

/// The texts of a stream's chunks, put together.
std::string streamed_text(const Reply& reply) {
  std::string text;
  size_t at = 0;
  while ((at = reply.body.find("data: {", at)) != std::string::npos) {
    const Json chunk = Json::parse(reply.body.substr(at + 6, reply.body.find('\n', at) - at - 6));
    if (!chunk.at("choices").empty()) text += text_of(chunk);
    ++at;
  }
  return text;
}

/// A prompt of the demo's own world, different for each number.
std::string prompt_of(int number) {
  const char* names[] = {"Rosa", "Tom", "Mia", "Ben"};
  return "Once upon a time, there was a girl who lived near the well, and her friends came every day. Her "
         "name was " +
         std::string(names[number % 4]) + std::string(static_cast<size_t>(number / 4 % 5), '.');
}

TEST(ModelServer, AnswersWholeAndStreamedAlike) {
  const RunningModel model;
  const std::string whole = text_of(model.post(kCompletions, completion("Once upon a time", 40)));
  EXPECT_FALSE(whole.empty());
  const Reply stream =
      model.ask("POST", kCompletions, completion("Once upon a time", 40, R"(, "stream": true)"));
  EXPECT_EQ(stream.header("Content-Type"), "text/event-stream");
  EXPECT_EQ(streamed_text(stream), whole);
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
}

TEST(ModelServer, GivesARequestTheSameTextAmongSixtyFourOthers) {
  std::vector<std::string> alone;
  {
    ServerSettings settings;
    settings.prefix_cache = false;
    const RunningModel model(settings);
    for (int i = 0; i < 20; ++i)
      alone.push_back(text_of(model.post(kCompletions, completion(prompt_of(i), 48))));
  }
  const auto ask_all = [&alone](const RunningModel& model) {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 65; ++i) {
      clients.push_back(std::make_unique<Client>());
      ASSERT_TRUE(clients.back()->connect(model.port()));
      clients.back()->send(request_text("POST", kCompletions, "", completion(prompt_of(i % 20), 48)));
    }
    for (int i = 0; i < 65; ++i) {
      const Reply reply = clients[static_cast<size_t>(i)]->reply();
      ASSERT_EQ(reply.status, 200) << reply.body;
      EXPECT_EQ(text_of(Json::parse(reply.body)), alone[static_cast<size_t>(i % 20)]) << i;
    }
  };
  std::vector<ServerSettings> variants(3);
  variants[1].prefix_cache = false;
  variants[1].max_batch_tokens = 16;
  variants[2].kv_blocks = 33;
  variants[2].max_sequences = 16;
  for (const ServerSettings& settings : variants) {
    const RunningModel model(settings);
    ask_all(model);
    if (settings.kv_blocks.has_value()) {
      // How many run together, and lack blocks, depends on how fast they came.
      for (int more = 0; more < 20 && model.metric("vllm:num_preemptions_total") == 0.0; ++more)
        ask_all(model);
      EXPECT_GT(model.metric("vllm:num_preemptions_total"), 0.0);
    }
    if (settings.prefix_cache) {
      EXPECT_GT(model.metric("vllm:prefix_cache_hits_total"), 0.0);
    }
    EXPECT_TRUE(model.wait_for("vllm:num_requests_running", 0.0));
  }
}

TEST(ModelServer, AnswersFromAnInt8CacheTheSameWhetherPrefixesAreFoundOrNot) {
  test::ServerSettings settings;
  settings.kv_cache_dtype = DType::kI8;
  const auto answers = [&settings] {
    const RunningModel model(settings);
    std::vector<std::string> texts;
    for (int i = 0; i < 8; ++i)
      texts.push_back(text_of(model.post(kCompletions, completion(prompt_of(i), 30))));
    EXPECT_EQ(model.metric("vllm:prefix_cache_hits_total") > 0.0, settings.prefix_cache);
    return texts;
  };
  settings.prefix_cache = false;
  const std::vector<std::string> computed = answers();
  settings.prefix_cache = true;
  EXPECT_EQ(answers(), computed);
}

TEST(ModelServer, CancelsWhatNobodyWaitsFor) {
  const RunningModel model;
  Client client;
  ASSERT_TRUE(client.connect(model.port()));
  client.send(request_text("POST", kCompletions, "",
                           completion("Once upon a time", 480, R"(, "stream": true, "ignore_eos": true)")));
  EXPECT_EQ(client.reply_head().status, 200);
  EXPECT_FALSE(client.next_chunk().empty());
  client.reset();
  EXPECT_TRUE(model.wait_for("vllm:num_requests_running", 0.0));
  EXPECT_EQ(text_of(model.post(kCompletions, completion("Once upon a time", 5))).empty(), false);
}

TEST(ModelServer, EndsTextBeforeAStopStringAndNeverShowsAPartOfIt) {
  const RunningModel model;
  const std::string whole = text_of(model.post(kCompletions, completion("Once upon a time", 40)));
  const std::string stop = whole.substr(10, 7);
  const std::string body = completion("Once upon a time", 40, R"(, "stop": [")" + stop + R"("])");
  const Json reply = model.post(kCompletions, body);
  EXPECT_EQ(text_of(reply), whole.substr(0, whole.find(stop)));
  EXPECT_EQ(reply.at("choices").at(0).at("finish_reason"), "stop");
}

TEST(ModelServer, KeepsToASchema) {
  const RunningModel model;
  const Json reply =
      model.post("/v1/chat/completions", R"({"messages": [{"role": "user", "content": "Hello"}],
    "max_tokens": 60, "temperature": 1, "seed": 5, "response_format": {"type": "json_schema", "json_schema": {"name": "x",
    "schema": {"type": "object", "properties": {"age": {"type": "integer", "minimum": 1, "maximum": 99},
    "kind": {"enum": ["cat", "dog"]}}, "required": ["age", "kind"], "additionalProperties": false}}}})");
  const Json answer = Json::parse(reply.at("choices").at(0).at("message").at("content").get<std::string>());
  EXPECT_GE(answer.at("age").get<int>(), 1);
  EXPECT_TRUE(answer.at("kind") == "cat" || answer.at("kind") == "dog");
}

TEST(ModelServer, SamplesTheSameTextForTheSameSeed) {
  const RunningModel model;
  const std::string body =
      R"({"prompt": "Once upon a time", "temperature": 1, "seed": 11, "max_tokens": 30, "n": 3})";
  const Json first = model.post(kCompletions, body);
  const Json second = model.post(kCompletions, body);
  ASSERT_EQ(first.at("choices").size(), 3U);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(first.at("choices").at(i).at("text"), second.at("choices").at(i).at("text"));
  EXPECT_NE(first.at("choices").at(0).at("text"), first.at("choices").at(1).at("text"));
}

TEST(ModelServer, AnswersTheBestOfSeveralAndBeams) {
  const RunningModel model;
  const Json best = model.post(
      kCompletions,
      R"({"prompt": "Once upon a time", "temperature": 1, "seed": 3, "max_tokens": 20, "n": 2, "best_of": 5})");
  EXPECT_EQ(best.at("choices").size(), 2U);
  const Json beams =
      model.post(kCompletions, R"({"prompt": "Once upon a time", "temperature": 0, "max_tokens": 20,
    "use_beam_search": true, "best_of": 4, "n": 2})");
  ASSERT_TRUE(beams.contains("choices")) << beams.dump();
  EXPECT_EQ(beams.at("choices").size(), 2U);
}

TEST(ModelServer, ScoresAPromptAsLmEvalAsks) {
  const RunningModel model;
  const Json reply = model.post(
      kCompletions,
      R"({"prompt": [[3, 265, 546]], "max_tokens": 1, "logprobs": 1, "echo": true, "temperature": 0})");
  const Json& logprobs = reply.at("choices").at(0).at("logprobs");
  EXPECT_EQ(logprobs.at("token_logprobs").size(), 4U);
  EXPECT_TRUE(logprobs.at("token_logprobs").at(0).is_null());
  EXPECT_LE(logprobs.at("token_logprobs").at(1).get<double>(), 0.0);
}

TEST(ModelServer, SpeaksEveryDialect) {
  const RunningModel model;
  EXPECT_THAT(
      model.ask("POST", "/generate", R"({"inputs": "Once", "parameters": {"max_new_tokens": 4}})").body,
      HasSubstr("generated_text"));
  EXPECT_THAT(model.ask("POST", "/generate", R"({"prompt": "Once", "max_tokens": 4, "temperature": 0})").body,
              HasSubstr("\"text\""));
  EXPECT_THAT(model.ask("POST", "/infer", R"({"inputs": "Once", "parameters": {"max_new_tokens": 4}})").body,
              HasSubstr("generated_text"));
  EXPECT_THAT(model
                  .ask("POST", "/v2/models/demo/generate",
                       R"({"text_input": "Once", "parameters": {"max_new_tokens": 4}})")
                  .body,
              HasSubstr("text_output"));
  EXPECT_EQ(model.ask("GET", "/v2/health/ready").status, 200);
  EXPECT_EQ(model.ask("GET", "/health/timed-10").status, 200);
  EXPECT_EQ(model.post("/v1/embeddings", R"({"input": "Once"})").at("data").size(), 1U);
  EXPECT_EQ(model.post("/tokenize", R"({"inputs": "Once upon"})").size(), 3U);
  EXPECT_TRUE(model.post("/tokenize", R"({"prompt": "Once upon"})").contains("count"));
}

TEST(ModelServer, AnswersErrorsInTheDialectsWords) {
  const RunningModel model;
  const Reply openai = model.ask("POST", kCompletions, R"({"prompt": "x", "temperature": 9})");
  EXPECT_EQ(openai.status, 400);
  EXPECT_EQ(Json::parse(openai.body).at("error").at("param"), "temperature");
  const Reply tgi = model.ask("POST", "/generate_stream", R"({"inputs": "x", "parameters": {"top_p": 9}})");
  EXPECT_EQ(tgi.status, 422);
  EXPECT_EQ(model.ask("GET", "/nowhere").status, 404);
  EXPECT_EQ(model.ask("POST", kCompletions, "{").status, 400);
  EXPECT_EQ(model.ask("POST", kCompletions, R"({"prompt": "x", "guided_regex": "("})").status, 400);
}

TEST(ModelServer, SaysWhichMethodsAPathTakes) {
  const RunningModel model;
  for (const auto& [method, path, methods] :
       std::vector<std::array<std::string, 3>>{{"GET", kCompletions, "POST"},
                                               {"POST", "/v1/models", "GET, HEAD"},
                                               {"GET", "/generate_stream", "POST"},
                                               {"PUT", "/v2/models/demo/infer", "POST"},
                                               {"DELETE", "/metrics", "GET, HEAD"},
                                               {"POST", "/main.js", "GET, HEAD"},
                                               // The page is read, TGI's own path posted to.
                                               {"PUT", "/", "GET, HEAD, POST"}}) {
    const Reply reply = model.ask(method, path);
    EXPECT_EQ(reply.status, 405) << path;
    EXPECT_EQ(reply.header("Allow"), methods) << path;
  }
}

TEST(ModelServer, AsksForAKeyWhereItHasSome) {
  ServerSettings settings;
  settings.keys = "# ours\nsesame\n";
  const RunningModel model(settings);
  EXPECT_EQ(model.ask("GET", "/v1/models").status, 401);
  EXPECT_EQ(model.ask("GET", "/v1/models", "", "Authorization: Bearer other\r\n").status, 401);
  EXPECT_EQ(model.ask("GET", "/v1/models", "", "Authorization: Bearer sesame\r\n").status, 200);
  EXPECT_EQ(model.ask("GET", "/health").status, 200);
  EXPECT_EQ(model.ask("GET", "/").status, 200);
}

TEST(ModelServer, RefusesWhatItHasNoRoomFor) {
  ServerSettings settings;
  settings.max_sequences = 1;
  settings.max_waiting = 1;
  const RunningModel model(settings);
  // More than can be done while they are sent, however this thread is held up.
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>());
    ASSERT_TRUE(clients.back()->connect(model.port()));
  }
  for (const auto& client : clients) {
    client->send(request_text("POST", kCompletions, "",
                              completion("Once", 480, R"(, "stream": true, "ignore_eos": true)")));
  }
  std::map<int, int> statuses;
  for (const auto& client : clients) {
    const Reply reply = client->reply_head();
    ++statuses[reply.status];
    if (reply.status == 429) {
      EXPECT_NE(reply.header("Retry-After"), "(none)");
    }
  }
  // One runs and one waits at least.
  EXPECT_GE(statuses[200], 2);
  EXPECT_GE(statuses[429], 1);
  EXPECT_EQ(statuses[200] + statuses[429], 20);
}

/// An answer of some 600 KB, far above what the system buffers for a client that does not read.
std::string much(bool stream) {
  return R"({"prompt": "Once upon a time", "max_tokens": 120, "n": 8, "temperature": 1, "seed": 2,
    "logprobs": 20, "ignore_eos": true, "stream": )" +
         std::string(stream ? "true}" : "false}");
}

TEST(ModelServer, FinishesWhatRunsWhenToldToStopAndRefusesTheRest) {
  RunningModel model;
  // It is not done before it is read.
  Client running(4096);
  ASSERT_TRUE(running.connect(model.port()));
  running.send(request_text("POST", kCompletions, "", much(true)));
  EXPECT_EQ(running.reply_head().status, 200);
  Client late;
  ASSERT_TRUE(late.connect(model.port()));
  model.server().drain();
  late.send(request_text("POST", kCompletions, "", completion("Once", 4)));
  EXPECT_EQ(late.reply().status, 503);
  std::string rest;
  for (std::string chunk = running.next_chunk(); !chunk.empty(); chunk = running.next_chunk()) rest = chunk;
  EXPECT_THAT(rest, HasSubstr("[DONE]"));
  model.join();
}

TEST(ModelServer, CutsOffWhoDoesNotReadWhileOthersGoOn) {
  ServerSettings settings;
  settings.max_sequences = 16;
  settings.max_queued_bytes = size_t{64} << 10U;
  const RunningModel model(settings);
  const std::string alone = text_of(model.post(kCompletions, completion("Once upon a time", 100)));
  Client slow(4096);
  ASSERT_TRUE(slow.connect(model.port()));
  slow.send(request_text("POST", kCompletions, "", much(true)));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(text_of(model.post(kCompletions, completion("Once upon a time", 100))), alone);
  EXPECT_TRUE(model.wait_for("vllm:num_requests_running", 0.0));
  EXPECT_TRUE(model.wait_for("caravan_kv_blocks_used", 0.0));
  const Reply reply = slow.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(reply.complete);
  EXPECT_LT(reply.body.size(), 400'000U);
}

TEST(ModelServer, SendsWhatItHasAnsweredBeforeItStopsHoweverSlowlyItIsRead) {
  RunningModel model;
  Client slow(4096);
  ASSERT_TRUE(slow.connect(model.port()));
  slow.send(request_text("POST", kCompletions, "", much(false)));
  // 8 choices of 120 tokens.
  EXPECT_TRUE(model.wait_for("vllm:generation_tokens_total", 960.0));
  EXPECT_TRUE(model.wait_for("vllm:num_requests_running", 0.0));
  model.server().drain();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const Reply reply = slow.reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_GT(reply.body.size(), 400'000U);
  model.join();
}

TEST(ModelServer, ShowsThePageAndItsMetrics) {
  const RunningModel model;
  const Reply page = model.ask("GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.header("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  Client client;
  ASSERT_TRUE(client.connect(model.port()));
  client.send(request_text("GET", "/", "If-None-Match: " + page.header("ETag") + "\r\n"));
  EXPECT_EQ(client.reply(true).status, 304);
  EXPECT_EQ(model.ask("GET", "/openapi.json").status, 200);
  EXPECT_TRUE(Json::parse(model.ask("GET", "/metrics-json").body).contains("caravan"));
}

}  // namespace
}  // namespace caravan
