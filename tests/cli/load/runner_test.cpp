// Load against a scripted server on loopback. What is asserted is order and outcome, never how long it took.
#include "cli/load/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <future>
#include <limits>
#include <set>

#include "base/json.h"
#include "cli/load/fake_server.h"
#include "cli/load/preflight.h"
#include "support/errors.h"

namespace caravan::load {
namespace {

using test::completion_reply;
using test::end_chunk;
using test::error_of;
using test::FakeServer;
using test::json_reply;
using test::Reply;
using test::SeenRequest;
using test::stream_reply;
using test::text_chunk;
using test::usage_chunk;
using testing::Contains;
using testing::Each;
using testing::Eq;
using testing::Field;
using testing::HasSubstr;

LoadPlan plan_of(const std::string& url, int64_t requests) {
  LoadPlan plan;
  plan.url_text = url;
  plan.url = parse_url("--url", url);
  plan.model = "m";
  plan.vocab_size = 100;
  plan.requests = requests;
  plan.input = LengthDistribution(7);
  plan.output = LengthDistribution(4);
  // Longer than any machine takes for hundreds of streams, emulated or not.
  plan.timeout_s = 600.0;
  return plan;
}

/// The prompt, in ids, of the request with `tokens` of them: requests that are under way together may come in
/// any order.
Json prompt_of(const FakeServer& server, size_t tokens) {
  for (const SeenRequest& seen : server.seen()) {
    Json prompt = parse_json(seen.body, "body")["prompt"];
    if (prompt.size() == tokens) return prompt;
  }
  ADD_FAILURE() << "no request of " << tokens << " tokens";
  return Json::array();
}

/// The one record of a request that `reply` answers.
RequestRecord record_of(const Reply& reply) {
  const FakeServer server([&reply](const SeenRequest&) { return reply; });
  const LoadRun run = run_load(plan_of(server.url(), 1), {});
  EXPECT_EQ(run.records.size(), 1U);
  return run.records.at(0);
}

TEST(Load, WritesDownWhenEachTokenCame) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request, 2); });
  const LoadRun run = run_load(plan_of(server.url(), 5), {});
  EXPECT_FALSE(run.stopped);
  ASSERT_EQ(run.records.size(), 5U);
  for (size_t i = 0; i < run.records.size(); ++i) {
    const RequestRecord& record = run.records[i];
    EXPECT_EQ(record.index, static_cast<int64_t>(i));
    EXPECT_EQ(record.outcome, Outcome::kDone) << record.message;
    EXPECT_EQ(record.status, 200);
    EXPECT_EQ(record.input_tokens, 7);
    EXPECT_EQ(record.output_usage, 4);
    ASSERT_EQ(record.chunks.size(), 4U);
    double last = record.sent_s;
    for (const double time : record.chunks) {
      EXPECT_GT(time, last);
      last = time;
    }
    EXPECT_GE(record.end_s, last);
  }
}

TEST(Load, SendsWhatAnOpenAiServerExpects) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request); });
  LoadPlan plan = plan_of(server.url() + "/proxy/v1", 1);
  plan.api_key = "secret";
  run_load(plan, {});
  const SeenRequest seen = server.seen().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/proxy/v1/completions");
  EXPECT_THAT(seen.head, HasSubstr("Host: " + server.url().substr(7) + "\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("Authorization: Bearer secret\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_EQ(parse_json(seen.body, "body")["prompt"].size(), 7U);
  plan.endpoint = Endpoint::kChat;
  plan.text_prompts = true;
  EXPECT_EQ(run_load(plan, {}).records.at(0).input_tokens, 7);
  EXPECT_EQ(server.seen().at(1).path, "/proxy/v1/chat/completions");
}

TEST(Load, KeepsItsConcurrencyAndItsConnections) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request, 1); });
  LoadPlan plan = plan_of(server.url(), 12);
  plan.concurrency = 3;
  const LoadRun run = run_load(plan, {});
  std::set<int> connections;
  for (const SeenRequest& seen : server.seen()) connections.insert(seen.connection);
  EXPECT_EQ(server.seen().size(), 12U);
  EXPECT_EQ(connections.size(), 3U);
  // Each request after the first three was sent when one before it was over.
  for (const RequestRecord& record : run.records) {
    const auto under_way =
        std::count_if(run.records.begin(), run.records.end(), [&](const RequestRecord& other) {
          return other.sent_s <= record.sent_s && other.end_s > record.sent_s;
        });
    EXPECT_LE(under_way, 3);
  }
}

TEST(Load, SendsNoRequestBeforeItsTime) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request); });
  LoadPlan plan = plan_of(server.url(), 20);
  plan.rate = 400.0;
  const LoadRun run = run_load(plan, {});
  ASSERT_EQ(run.records.size(), 20U);
  for (const RequestRecord& record : run.records) EXPECT_GE(record.sent_s, record.arrival_s);
  EXPECT_GT(run.records.back().arrival_s, 0.0);
}

TEST(Load, FollowsATrace) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request); });
  LoadPlan plan = plan_of(server.url(), 3);
  plan.trace = {{100.0, 600, 2, {1, 2}}, {110.0, 520, 3, {1, 3}}, {120.0, 5, 1, {}}};
  const LoadRun run = run_load(plan, {});
  ASSERT_EQ(run.records.size(), 3U);
  EXPECT_EQ(run.records[0].input_tokens, 600);
  EXPECT_EQ(run.records[1].chunks.size(), 3U);
  EXPECT_NEAR(run.records[2].arrival_s, 0.02, 1e-9);
  const Json first = prompt_of(server, 600);
  const Json second = prompt_of(server, 520);
  ASSERT_GE(std::min(first.size(), second.size()), 512U);
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + 512, second.begin()));
}

TEST(Load, StartsNoneAfterItsDurationAndAwaitsTheRest) {
  // The clock goes only where the server has it go, so that a slow machine changes nothing.
  std::atomic<double> clock{0.0};
  const FakeServer server([&clock](const SeenRequest& request) {
    clock.store(clock.load() + 4.0);
    return completion_reply(request, 5);
  });
  LoadPlan plan = plan_of(server.url(), 1);
  plan.requests.reset();
  plan.concurrency = 1;
  plan.duration_s = 10.0;
  LoadHooks hooks;
  hooks.clock = [&clock] { return clock.load(); };
  const LoadRun run = run_load(plan, hooks);
  EXPECT_THAT(run.records, Each(Field(&RequestRecord::outcome, Outcome::kDone)));
  std::vector<double> sent;
  for (const RequestRecord& record : run.records) sent.push_back(record.sent_s);
  EXPECT_THAT(sent, testing::ElementsAre(0.0, 4.0, 8.0));
  EXPECT_EQ(run.records.back().end_s, 12.0);
}

TEST(Load, WarmsUpWithoutCountingIt) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request); });
  LoadPlan plan = plan_of(server.url(), 2);
  plan.warmup = 3;
  EXPECT_EQ(run_load(plan, {}).records.size(), 2U);
  EXPECT_EQ(server.seen().size(), 5U);
}

TEST(Load, EndsWhereWarmingUpFails) {
  const FakeServer server(
      [](const SeenRequest&) { return json_reply(400, R"({"error": {"message": "no"}})"); });
  LoadPlan plan = plan_of(server.url(), 2);
  plan.warmup = 1;
  EXPECT_THAT(error_of([&plan] { run_load(plan, {}); }),
              HasSubstr("--warmup: request 1 of 1 failed: status 400: \"no\""));
}

TEST(Load, TellsStatusesApart) {
  const RequestRecord record = record_of(json_reply(429, R"({"error": {"message": "the queue is full"}})"));
  EXPECT_EQ(record.outcome, Outcome::kStatus);
  EXPECT_EQ(record.status, 429);
  EXPECT_EQ(record.message, "the queue is full");
}

TEST(Load, TellsBrokenStreams) {
  Reply cut = stream_reply({text_chunk("a"), text_chunk("b")});
  cut.parts.resize(2);
  cut.close = true;
  EXPECT_EQ(record_of(cut).outcome, Outcome::kBroken);
  EXPECT_EQ(record_of(cut).chunks.size(), 1U);

  Reply endless = stream_reply({text_chunk("a")});
  endless.parts.erase(endless.parts.end() - 2);  // no [DONE]
  EXPECT_THAT(record_of(endless).message, HasSubstr("neither [DONE] nor a finish_reason"));

  const RequestRecord said =
      record_of(stream_reply({text_chunk("a"), R"({"error": {"message": "out of blocks"}})"}));
  EXPECT_EQ(said.outcome, Outcome::kBroken);
  EXPECT_EQ(said.message, "the server says: out of blocks");

  EXPECT_EQ(record_of(stream_reply({"{"})).outcome, Outcome::kBroken);

  const RequestRecord whole = record_of(json_reply(200, "{}"));
  EXPECT_EQ(whole.outcome, Outcome::kBroken);
  EXPECT_THAT(whole.message, HasSubstr("expected text/event-stream"));
  EXPECT_EQ(record_of({{{0, "nonsense\r\n\r\n"}}, true}).outcome, Outcome::kBroken);
  EXPECT_EQ(record_of({{}, true}).outcome, Outcome::kBroken);
}

TEST(Load, TellsAStreamWithoutTokens) {
  EXPECT_EQ(record_of(stream_reply({end_chunk(), usage_chunk(7, 0)})).outcome, Outcome::kNoOutput);
}

TEST(Load, IsContentWithAFinishReasonInsteadOfDone) {
  Reply reply = stream_reply({text_chunk("a"), end_chunk()});
  reply.parts.erase(reply.parts.end() - 2);
  const RequestRecord record = record_of(reply);
  EXPECT_EQ(record.outcome, Outcome::kDone) << record.message;
  EXPECT_EQ(record.output_tokens(), 1);
}

TEST(Load, ReadsAStreamThatEndsWithItsConnection) {
  const RequestRecord record =
      record_of({{{0, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: " + text_chunk("a")},
                  {0, "\r\n\r\ndata: [DO"},
                  {0, "NE]\r\n\r\n"}},
                 true});
  EXPECT_EQ(record.outcome, Outcome::kDone) << record.message;
}

TEST(Load, TellsTimeouts) {
  const FakeServer server([](const SeenRequest&) {
    return stream_reply({text_chunk("a"), text_chunk("b")}, 400);
  });
  LoadPlan plan = plan_of(server.url(), 1);
  plan.timeout_s = 0.05;
  const LoadRun run = run_load(plan, {});
  EXPECT_EQ(run.records.at(0).outcome, Outcome::kTimeout);
  EXPECT_THAT(run.records.at(0).message, HasSubstr("within --timeout"));
}

TEST(Load, TellsThatNobodyListens) {
  LoadPlan plan = plan_of(test::dead_url(), 3);
  plan.concurrency = 2;
  const LoadRun run = run_load(plan, {});
  ASSERT_EQ(run.records.size(), 3U);
  EXPECT_THAT(run.records, Each(Field(&RequestRecord::outcome, Outcome::kConnect)));
  EXPECT_THAT(run.records[0].message, HasSubstr("refused"));
}

TEST(Load, ReplacesAKeptConnectionThatTheServerClosed) {
  // It says nothing of closing, and closes.
  const FakeServer server([](const SeenRequest& request) {
    Reply reply = completion_reply(request);
    reply.close = true;
    return reply;
  });
  LoadPlan plan = plan_of(server.url(), 6);
  plan.concurrency = 1;
  EXPECT_THAT(run_load(plan, {}).records, Each(Field(&RequestRecord::outcome, Outcome::kDone)));
}

TEST(Load, IsStoppedByASignalAndKeepsWhatWasMeasured) {
  int seen = 0;
  std::promise<void> over;
  const std::shared_future<void> is_over = over.get_future().share();
  const FakeServer server([&](const SeenRequest& request) {
    if (++seen < 4) return completion_reply(request);
    ::kill(::getpid(), SIGINT);
    Reply reply = stream_reply({text_chunk("a"), text_chunk("b")});
    // The first token waits for the client to give up.
    reply.parts.at(1).before = [&is_over] { is_over.wait(); };
    return reply;
  });
  LoadPlan plan = plan_of(server.url(), 100);
  plan.concurrency = 1;
  const LoadRun run = run_load(plan, {});
  over.set_value();
  EXPECT_TRUE(run.stopped);
  ASSERT_EQ(run.records.size(), 4U);
  EXPECT_EQ(run.records[2].outcome, Outcome::kDone);
  EXPECT_EQ(run.records[3].outcome, Outcome::kStopped);
}

TEST(Load, AsksTheClockThatItIsGiven) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request); });
  double time = 1000.0;
  LoadHooks hooks;
  hooks.clock = [&time] { return time += 1.0; };
  const LoadRun run = run_load(plan_of(server.url(), 1), hooks);
  const RequestRecord& record = run.records.at(0);
  // It ticks whenever it is asked: for each token, and now and then for the progress.
  const double first = record.chunks.at(0);
  EXPECT_GE(record.chunks.at(1), first + 1.0);
  EXPECT_EQ(first, std::floor(first));
  EXPECT_EQ(record.chunks.at(1), std::floor(record.chunks.at(1)));
  EXPECT_GE(*record.tpot_ms(), 1000.0);
}

TEST(Load, TellsItsProgress) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request, 1); });
  std::vector<LoadProgress> told;
  LoadHooks hooks;
  hooks.progress = [&told](const LoadProgress& progress) { told.push_back(progress); };
  run_load(plan_of(server.url(), 2), hooks);
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told, Each(Field(&LoadProgress::all, Eq(2))));
}

TEST(Load, HoldsHundredsOfStreamsAtOnce) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request, 20); });
  const LoadRun run = run_load(plan_of(server.url(), 300), {});
  ASSERT_EQ(run.records.size(), 300U);
  EXPECT_THAT(run.records, Each(Field(&RequestRecord::outcome, Outcome::kDone)));
}

TEST(Load, SpeaksTls) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request); },
                          FakeServer::Security::kSelfSigned);
  LoadPlan plan = plan_of(server.url(), 4);
  plan.concurrency = 2;
  plan.verify_tls = false;
  EXPECT_THAT(run_load(plan, {}).records, Each(Field(&RequestRecord::outcome, Outcome::kDone)));
}

TEST(Load, RefusesACertificateThatNobodySigned) {
  const FakeServer server([](const SeenRequest& request) { return completion_reply(request); },
                          FakeServer::Security::kSelfSigned);
  const LoadRun run = run_load(plan_of(server.url(), 1), {});
  EXPECT_EQ(run.records.at(0).outcome, Outcome::kConnect);
  EXPECT_THAT(run.records.at(0).message, HasSubstr("certificate verify failed"));
}

TEST(Preflight, AsksForTheModelAndItsVocabulary) {
  const FakeServer server([](const SeenRequest& request) {
    return json_reply(
        200, request.path == "/v1/models" ? R"({"data": [{"id": "demo"}]})" : R"({"vocab_size": 512})");
  });
  LoadPlan plan = plan_of(server.url(), 1);
  plan.model.reset();
  plan.vocab_size.reset();
  complete_plan(plan);
  EXPECT_EQ(plan.model, "demo");
  EXPECT_EQ(plan.vocab_size, 512);
  EXPECT_EQ(server.seen().at(1).path, "/tokenizer_info");
}

TEST(Preflight, SaysWhatIsMissing) {
  std::string models;
  int status = 200;
  const FakeServer server([&](const SeenRequest& request) {
    return request.path == "/v1/models" ? json_reply(status, models) : json_reply(404, "{}");
  });
  LoadPlan plan = plan_of(server.url(), 1);
  plan.model.reset();
  const auto error = [&plan] { return error_of([&plan] { complete_plan(plan); }); };
  models = R"({"data": [{"id": "a"}, {"id": "b"}]})";
  EXPECT_THAT(error(), HasSubstr("has 2 models, expected one of them, as \"a\""));
  models = R"({"data": []})";
  EXPECT_THAT(error(), HasSubstr("expected a list with a model"));
  models = R"({"error": {"message": "no key"}})";
  status = 401;
  EXPECT_THAT(error(), HasSubstr("gave status 401: \"no key\""));
  plan.model = "m";
  plan.vocab_size.reset();
  EXPECT_THAT(error(), HasSubstr("--vocab-size: is missing"));
  plan.url_text = test::dead_url();
  plan.url = parse_url("--url", plan.url_text);
  EXPECT_THAT(error(), HasSubstr("refused (GET /tokenizer_info), expected a server that answers"));
}

}  // namespace
}  // namespace caravan::load
