// Figures of scripted timings: no clock is asked.
#include "cli/load/figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/load/plot.h"
#include "cli/load/report.h"

namespace caravan::load {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pointwise;

/// A request that is done, sent at `sent`, with a token at each of `chunks`, over at the last.
RequestRecord done_at(int64_t index, double sent, std::vector<double> chunks) {
  RequestRecord record;
  record.index = index;
  record.arrival_s = sent;
  record.sent_s = sent;
  record.end_s = chunks.back();
  record.input_asked = 10;
  record.input_tokens = 11;
  record.output_asked = static_cast<int64_t>(chunks.size());
  record.chunks = std::move(chunks);
  record.status = 200;
  return record;
}

RequestRecord failed_at(int64_t index, double sent, Outcome outcome, int status, const std::string& message) {
  RequestRecord record;
  record.index = index;
  record.sent_s = sent;
  record.arrival_s = sent;
  record.end_s = sent + 0.5;
  record.outcome = outcome;
  record.status = status;
  record.message = message;
  return record;
}

TEST(RequestRecord, HasItsLatencies) {
  const RequestRecord record = done_at(0, 1.0, {1.2, 1.25, 1.3, 1.5});
  EXPECT_NEAR(*record.ttft_ms(), 200.0, 1e-9);
  EXPECT_NEAR(*record.tpot_ms(), 100.0, 1e-9);
  EXPECT_NEAR(record.e2e_ms(), 500.0, 1e-9);
  EXPECT_EQ(record.output_tokens(), 4);
}

TEST(RequestRecord, TrustsTheServersCountOverTheChunks) {
  RequestRecord record = done_at(0, 1.0, {1.2, 1.5});
  record.output_usage = 7;
  EXPECT_EQ(record.output_tokens(), 7);
  EXPECT_NEAR(*record.tpot_ms(), 50.0, 1e-9);
}

TEST(RequestRecord, OfASingleTokenHasNoTimeBetweenTokens) {
  EXPECT_EQ(done_at(0, 0.0, {1.0}).tpot_ms(), std::nullopt);
  EXPECT_EQ(failed_at(0, 0.0, Outcome::kStatus, 500, "").ttft_ms(), std::nullopt);
}

TEST(LoadFigures, AreRatesOverTheTimeFromTheFirstSendToTheLastEnd) {
  const LoadFigures figures = figures_of({done_at(0, 1.0, {1.5, 2.0}), done_at(1, 2.0, {3.0, 4.0, 5.0})}, {});
  EXPECT_EQ(figures.requests, 2);
  EXPECT_EQ(figures.done, 2);
  EXPECT_NEAR(figures.seconds, 4.0, 1e-9);
  EXPECT_NEAR(figures.requests_per_second, 0.5, 1e-9);
  EXPECT_EQ(figures.output_tokens, 5);
  EXPECT_NEAR(figures.output_tokens_per_second, 1.25, 1e-9);
  EXPECT_EQ(figures.input_tokens, 22);
  EXPECT_NEAR(*figures.input_tokens_per_second, 5.5, 1e-9);
  EXPECT_EQ(figures.most_in_flight, 1);
  EXPECT_FALSE(figures.held_back.has_value());
}

TEST(LoadFigures, HavePercentilesOfEachLatency) {
  std::vector<RequestRecord> records;
  for (int i = 0; i <= 100; ++i) records.push_back(done_at(i, 0.0, {1e-3 * i, 1.0 + 1e-3 * i}));
  const LoadFigures figures = figures_of(records, {});
  EXPECT_EQ(figures.ttft->count, 101U);
  EXPECT_NEAR(figures.ttft->mean, 50.0, 1e-9);
  EXPECT_NEAR(figures.ttft->p50, 50.0, 1e-9);
  EXPECT_NEAR(figures.ttft->p90, 90.0, 1e-9);
  EXPECT_NEAR(figures.ttft->p99, 99.0, 1e-9);
  EXPECT_NEAR(figures.ttft->highest, 100.0, 1e-9);
  EXPECT_NEAR(figures.itl->p50, 1000.0, 1e-9);
  EXPECT_NEAR(figures.tpot->p99, 1000.0, 1e-9);
  EXPECT_NEAR(figures.e2e->p50, 1050.0, 1e-9);
  EXPECT_EQ(figures.most_in_flight, 101);
}

TEST(LoadFigures, CountEachKindOfFailure) {
  const LoadFigures figures = figures_of(
      {failed_at(0, 0.0, Outcome::kTimeout, 0, "no answer"), failed_at(1, 0.0, Outcome::kStatus, 429, "full"),
       failed_at(2, 0.0, Outcome::kStatus, 503, "loading"),
       failed_at(3, 0.0, Outcome::kStatus, 429, "still full"), done_at(4, 0.0, {1.0})},
      {});
  EXPECT_EQ(figures.requests, 5);
  EXPECT_EQ(figures.done, 1);
  ASSERT_EQ(figures.failures.size(), 3U);
  EXPECT_EQ(figures.failures[0].status, 429);
  EXPECT_EQ(figures.failures[0].count, 2);
  EXPECT_EQ(figures.failures[0].message, "full");
  // What failed has no latency among those of the requests that are done.
  EXPECT_EQ(figures.e2e->count, 1U);
}

TEST(LoadFigures, CountTheRequestsThatKeepTheSlo) {
  const std::vector<RequestRecord> records = {done_at(0, 0.0, {0.1, 0.2}), done_at(1, 0.0, {0.3, 0.4}),
                                              done_at(2, 0.0, {0.1, 2.0}),
                                              failed_at(3, 0.0, Outcome::kBroken, 200, "")};
  EXPECT_EQ(figures_of(records, {200.0, std::nullopt, std::nullopt}).good, 2);
  EXPECT_EQ(figures_of(records, {200.0, 150.0, std::nullopt}).good, 1);
  EXPECT_EQ(figures_of(records, {std::nullopt, std::nullopt, 1000.0}).good, 2);
  EXPECT_NEAR(figures_of(records, {200.0, std::nullopt, std::nullopt}).goodput, 1.0, 1e-9);
}

TEST(LoadFigures, SayHowLongRequestsWereHeldBack) {
  RequestRecord late = done_at(1, 2.0, {2.5});
  late.arrival_s = 1.0;
  const LoadFigures figures = figures_of({done_at(0, 0.0, {2.0}), late}, {});
  ASSERT_TRUE(figures.held_back.has_value());
  EXPECT_NEAR(figures.held_back->highest, 1000.0, 1e-9);
  EXPECT_NEAR(figures.held_back->mean, 500.0, 1e-9);
}

TEST(LoadFigures, DoNotGuessHowLongPromptsAre) {
  RequestRecord unknown = done_at(1, 0.0, {1.0});
  unknown.input_tokens.reset();
  const LoadFigures figures = figures_of({done_at(0, 0.0, {1.0}), unknown}, {});
  EXPECT_FALSE(figures.input_tokens.has_value());
  EXPECT_FALSE(figures.input_tokens_per_second.has_value());
}

TEST(LoadFigures, OfNothingAreNothing) {
  const LoadFigures figures = figures_of({}, {});
  EXPECT_EQ(figures.requests, 0);
  EXPECT_FALSE(figures.ttft.has_value());
}

TEST(TokenRates, CountTokensByInterval) {
  RequestRecord record = done_at(0, 0.0, {0.05, 0.06, 0.25});
  record.output_usage = 6;
  const TokenRates rates = token_rates({record});
  EXPECT_EQ(rates.width_s, 0.1);
  EXPECT_THAT(rates.per_second, Pointwise(DoubleNear(1e-9), {40.0, 0.0, 20.0}));
  EXPECT_EQ(token_rates({done_at(0, 0.0, {200.0})}).width_s, 2.0);
  EXPECT_THAT(token_rates({}).per_second, ElementsAre(0.0));
}

LoadPlan sample_plan() {
  LoadPlan plan;
  plan.url_text = "http://127.0.0.1:8000";
  plan.model = "m";
  plan.requests = 2;
  plan.concurrency = 1;
  return plan;
}

TEST(LoadReport, HasATable) {
  LoadPlan plan = sample_plan();
  plan.slo = {600.0, std::nullopt, std::nullopt};
  EXPECT_EQ(table_head(plan),
            "http://127.0.0.1:8000, /v1/completions, model m\n"
            "2 requests, always 1 in flight; tokens in: 256, tokens out: 128\n\n");
  const std::vector<RequestRecord> records = {done_at(0, 1.0, {1.5, 2.0}), done_at(1, 2.0, {3.0, 4.0, 5.0}),
                                              failed_at(2, 5.0, Outcome::kStatus, 429, "full\n")};
  const std::string table = table_text(plan, figures_of(records, plan.slo), true);
  for (const char* part : {"2 of 3 done in 4.500 s, at most 1 in flight; stopped before the end",
                           "  failed                1: status 429: \"full\\x0a\"",
                           "0.444 requests/s, 4.889 input tokens/s, 1.111 output tokens/s",
                           "0.222 requests/s: 1 of 3 within ttft 600 ms",
                           "time to first token          750.0     750.0     950.0     995.0      1000"}) {
    EXPECT_THAT(table, HasSubstr(part)) << table;
  }
}

TEST(LoadReport, SaysHowRequestsArrive) {
  LoadPlan plan = sample_plan();
  plan.rate = 4.0;
  plan.shared_prefix = 64;
  plan.prefix_groups = 3;
  plan.duration_s = 10.0;
  plan.requests.reset();
  EXPECT_THAT(table_head(plan),
              HasSubstr("requests in 10 s, arriving at random, 4 per second, at most 1 in flight; "
                        "tokens in: 64 shared by each of 3 groups + 256, tokens out: 128"));
  plan.trace.resize(5);
  plan.trace_path = "t.jsonl";
  plan.concurrency.reset();
  EXPECT_THAT(table_head(plan),
              HasSubstr("5 requests in 10 s, arriving as in the trace; prompts and outputs as in t.jsonl"));
}

TEST(LoadReport, NotesWhatAReaderCouldTakeWrongly) {
  RequestRecord record = done_at(0, 0.0, {1.0, 2.0});
  record.output_usage = 3;
  record.input_tokens.reset();
  const std::string table = table_text(sample_plan(), figures_of({record}, {}), false);
  EXPECT_THAT(table, HasSubstr("1 request got another number of tokens than was asked for."));
  EXPECT_THAT(table, HasSubstr("that between chunks: there were 2 for 3 tokens."));
  EXPECT_THAT(table, HasSubstr("the server does not say how many tokens the prompts have."));
  EXPECT_THAT(table, HasSubstr("- input tokens/s"));
}

TEST(LoadReport, HasJsonAndCsv) {
  LoadRun run;
  run.records = {done_at(0, 1.0, {1.5, 2.0}), failed_at(1, 2.0, Outcome::kStatus, 429, "a, \"b\"")};
  const LoadPlan plan = sample_plan();
  const Json json = report_json(plan, figures_of(run.records, plan.slo), run);
  EXPECT_EQ(json["url"], "http://127.0.0.1:8000");
  EXPECT_EQ(json["done"], 1);
  EXPECT_EQ(json["ttft_ms"]["p99"], 500.0);
  EXPECT_EQ(json["failures"][0]["kind"], "status");
  EXPECT_EQ(json["failures"][0]["status"], 429);
  EXPECT_TRUE(json["goodput_requests_per_second"].is_null());
  EXPECT_TRUE(json["over_time"]["output_tokens_per_second"].is_array());
  EXPECT_EQ(report_csv(run),
            "index,outcome,status,arrival_s,sent_s,end_s,input_asked,input_tokens,output_asked,output_tokens,"
            "chunks,ttft_ms,tpot_ms,e2e_ms,message\n"
            "0,done,200,1.0,1.0,2.0,10,11,2,2,2,500.0,500.0,1000.0,\n"
            "1,status,429,2.0,2.0,2.5,0,,0,0,0,,,500.0,\"a, \"\"b\"\"\"\n");
}

TEST(LoadReport, ShowsProgress) {
  EXPECT_EQ(progress_text({false, 12, 1, 16, 100, 811.6}),
            "caravan bench serve: 12 of 100 done, 1 failed, 16 in flight, 812 tokens/s");
  EXPECT_EQ(progress_text({true, 0, 0, 1, std::nullopt, 0.0}),
            "caravan bench serve: warming up: 0 done, 1 in flight, 0 tokens/s");
}

TEST(LoadPlot, DrawsDistributionsAndOutputOverTime) {
  const std::string svg = plot_svg({done_at(0, 1.0, {1.5, 2.0}), done_at(1, 2.0, {3.0, 4.0, 5.0})}, "a<b");
  for (const char* part : {"a&lt;b", ">Time to first token<", ">Between tokens<", ">End to end<",
                           ">Output over time<", ">gaps between chunks<", ">tokens/s<", ">share of them<"}) {
    EXPECT_THAT(svg, HasSubstr(part));
  }
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(LoadPlot, HoldsGapsOfNoLengthAndNothingAtAll) {
  EXPECT_THAT(plot_svg({done_at(0, 0.0, {0.5, 0.5, 0.5, 1.0})}, ""), Not(HasSubstr("nan")));
  EXPECT_THAT(plot_svg({done_at(0, 0.0, {0.5, 0.5})}, ""), Not(HasSubstr("inf")));
  EXPECT_THAT(plot_svg({}, ""), HasSubstr("nothing was measured"));
}

}  // namespace
}  // namespace caravan::load
