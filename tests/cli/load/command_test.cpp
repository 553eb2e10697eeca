// `caravan bench serve` as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/file.h"
#include "base/json.h"
#include "cli/load/fake_server.h"
#include "cli/load/plan.h"
#include "cli/outcome.h"
#include "support/errors.h"
#include "support/paths.h"

namespace caravan::load {
namespace {

using test::caravan_program;
using test::FakeServer;
using test::Outcome;
using test::SeenRequest;
using testing::HasSubstr;
using testing::StartsWith;

LoadPlan plan_of(std::vector<std::string> words) {
  words.insert(words.end(), {"--url", "http://127.0.0.1:8000"});
  return parse_load_plan(cli::Arguments(load_command(), words));
}

std::string error_of(const std::vector<std::string>& words) {
  return test::error_of([&words] { plan_of(words); });
}

TEST(LoadPlan, HasItsDefaults) {
  const LoadPlan plan = plan_of({});
  EXPECT_EQ(plan.requests, 100);
  EXPECT_EQ(plan.rate, std::numeric_limits<double>::infinity());
  EXPECT_FALSE(plan.concurrency.has_value());
  EXPECT_TRUE(plan.ignore_eos);
  EXPECT_TRUE(plan.verify_tls);
  EXPECT_FALSE(plan.text_prompts);
  EXPECT_EQ(plan.input.text(), "256");
}

TEST(LoadPlan, HasWhatIsAskedFor) {
  const LoadPlan plan =
      plan_of({"--duration",      "5",     "--rate",          "2.5",        "--burstiness",  "0.5",
               "--concurrency",   "8",     "--seed",          "3",          "--temperature", "0.7",
               "--no-ignore-eos", "--slo", "ttft:200",        "--endpoint", "chat",          "--tls-insecure",
               "--shared-prefix", "64",    "--prefix-groups", "4",          "--warmup",      "2"});
  EXPECT_FALSE(plan.requests.has_value());
  EXPECT_EQ(plan.duration_s, 5.0);
  EXPECT_EQ(plan.rate, 2.5);
  EXPECT_EQ(plan.burstiness, 0.5);
  EXPECT_EQ(plan.concurrency, 8);
  EXPECT_EQ(plan.seed, 3U);
  EXPECT_FALSE(plan.ignore_eos);
  EXPECT_EQ(plan.endpoint, Endpoint::kChat);
  EXPECT_TRUE(plan.text_prompts);
  EXPECT_FALSE(plan.verify_tls);
  EXPECT_EQ(plan.slo.ttft_ms, 200.0);
  EXPECT_EQ(plan.prefix_groups, 4);
  EXPECT_EQ(plan.warmup, 2);
  EXPECT_FALSE(plan_of({"--ignore-eos=false"}).ignore_eos);
}

TEST(LoadPlan, RefusesWhatDoesNotGoTogether) {
  const test::TemporaryFolder folder;
  const std::string trace =
      folder.write("t.jsonl", "{\"timestamp\": 0, \"input_length\": 6, \"output_length\": 5}\n").string();
  EXPECT_THAT(error_of({"--trace", trace, "--rate", "2"}), HasSubstr("--rate: cannot be given with --trace"));
  EXPECT_THAT(error_of({"--trace", trace, "--input-length", "2"}), HasSubstr("--input-length: cannot"));
  EXPECT_FALSE(plan_of({"--trace", trace}).requests.has_value());
  EXPECT_THAT(error_of({"--duration", "5"}), HasSubstr("expected --rate, --concurrency or --requests too"));
  EXPECT_THAT(error_of({"--burstiness", "2"}), HasSubstr("--burstiness: without a --rate"));
  EXPECT_THAT(error_of({"--prefix-groups", "2"}), HasSubstr("expected --shared-prefix too"));
  EXPECT_THAT(error_of({"--vocab-size", "2", "--text-prompts"}), HasSubstr("--vocab-size: cannot"));
  EXPECT_THAT(error_of({"--vocab-size", "2", "--endpoint", "chat"}), HasSubstr("whose prompts are words"));
  EXPECT_THAT(error_of({"--ignore-eos", "--no-ignore-eos"}), HasSubstr("--ignore-eos: cannot"));
  EXPECT_THAT(error_of({"--json", "-", "--csv", "-"}), HasSubstr("--csv: found \"-\""));
}

TEST(LoadPlan, RefusesValuesThatAreWrong) {
  EXPECT_THAT(error_of({"--rate", "0"}), HasSubstr("--rate: found \"0\""));
  EXPECT_THAT(error_of({"--endpoint", "x"}), HasSubstr("expected completions or chat"));
  EXPECT_THAT(error_of({"--requests", "0"}), HasSubstr("--requests: found \"0\""));
  EXPECT_THAT(error_of({"--slo", "x"}), HasSubstr("--slo: found \"x\""));
  EXPECT_THAT(error_of({"--output-length", "x:1:2"}), HasSubstr("--output-length: found \"x:1:2\""));
  EXPECT_THAT(error_of({"--trace", "/nowhere"}), HasSubstr("/nowhere"));
}

TEST(LoadPlan, ReadsAKeyAndNeverShowsIt) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(plan_of({"--api-key-file", folder.write("a", "sk-1\r\nsk-2\n").string()}).api_key, "sk-1");
  const std::string error = error_of({"--api-key-file", folder.write("b", "my secret\n").string()});
  EXPECT_THAT(error, HasSubstr("the first line is no key"));
  EXPECT_THAT(error, testing::Not(HasSubstr("secret")));
}

TEST(BenchServe, HasAHelpOfItsOwnAndOneThatLeadsToIt) {
  EXPECT_THAT(caravan_program({"bench", "serve", "--help"}).out, StartsWith("caravan bench serve --url URL"));
  EXPECT_THAT(caravan_program({"bench", "--help"}).out, HasSubstr("caravan bench serve --url URL"));
  EXPECT_THAT(caravan_program({"--help"}).out, HasSubstr("  bench serve "));
  const Outcome missing = caravan_program({"bench", "serve"});
  EXPECT_EQ(missing.code, 2);
  EXPECT_EQ(missing.err, "caravan: --url: is missing, expected the server, as http://127.0.0.1:8000\n");
}

/// A server that has a model and answers as it should.
test::Reply good_server(const SeenRequest& request) {
  if (request.path == "/v1/models") return test::json_reply(200, R"({"data": [{"id": "demo"}]})");
  if (request.path == "/tokenizer_info") return test::json_reply(200, R"({"vocab_size": 512})");
  return test::completion_reply(request);
}

TEST(BenchServe, WritesTableJsonCsvAndPlot) {
  const FakeServer server(good_server);
  const test::TemporaryFolder folder;
  const Outcome outcome = caravan_program({"bench",           "serve",
                                           "--url",           server.url(),
                                           "--requests",      "6",
                                           "--concurrency",   "2",
                                           "--input-length",  "9",
                                           "--output-length", "3",
                                           "--slo",           "e2e:600000",
                                           "--json",          (folder / "a.json").string(),
                                           "--csv",           (folder / "a.csv").string(),
                                           "--plot",          (folder / "a.svg").string()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              HasSubstr("model demo\n6 requests, always 2 in flight; tokens in: 9, tokens out: 3"));
  EXPECT_THAT(outcome.out, HasSubstr("6 of 6 done in "));
  EXPECT_THAT(outcome.out, HasSubstr("6 of 6 within e2e 600000 ms"));
  const Json json = parse_json(read_file(folder / "a.json", 1U << 20U), "a.json");
  EXPECT_EQ(json["output_tokens"], 18);
  EXPECT_EQ(json["input_tokens"], 54);
  EXPECT_EQ(json["good"], 6);
  const std::string csv = read_file(folder / "a.csv", 1U << 20U);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 7);
  EXPECT_THAT(read_file(folder / "a.svg", 1U << 20U), HasSubstr("demo at " + server.url()));
}

TEST(BenchServe, PutsJsonAloneOnStandardOutput) {
  const FakeServer server(good_server);
  const Outcome outcome = caravan_program({"bench", "serve", "--url", server.url(), "--requests", "2",
                                           "--endpoint", "chat", "--output-length", "3", "--json", "-"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(parse_json(outcome.out, "out")["endpoint"], "/v1/chat/completions");
}

TEST(BenchServe, EndsWithTwoWhereNothingSucceeds) {
  const FakeServer server([](const SeenRequest& request) {
    if (request.path == "/v1/completions") return test::json_reply(503, R"({"error": "loading"})");
    return good_server(request);
  });
  const Outcome outcome = caravan_program({"bench", "serve", "--url", server.url(), "--requests", "2"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, HasSubstr("2: status 503: \"loading\""));
  EXPECT_THAT(outcome.err, HasSubstr("none of 2 requests succeeded, the first failure: \"loading\""));
}

TEST(BenchServe, SaysThatTheServerIsNotThere) {
  const std::string url = test::dead_url();
  const Outcome outcome = caravan_program({"bench", "serve", "--url", url});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, StartsWith("caravan: " + url + ": "));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
}

}  // namespace
}  // namespace caravan::load
