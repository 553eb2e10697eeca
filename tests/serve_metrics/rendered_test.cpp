// The two forms in which metrics leave the server, and the dashboard that is drawn from one of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "base/file.h"
#include "serve/metrics/exposition.h"
#include "serve/metrics/json.h"
#include "serve/metrics/prometheus.h"
#include "support/paths.h"

namespace caravan::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> all_of(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at)
    found.push_back((*at)[1].str());
  return found;
}

ServerMetrics busy() {
  ServerMetrics metrics("demo", "0.1.0", 100);
  metrics.engine = {.running = 3,
                    .waiting = 2,
                    .used_blocks = 10,
                    .total_blocks = 40,
                    .preemptions = 1,
                    .prefix_query_tokens = 200,
                    .prefix_hit_tokens = 64};
  metrics.first_token(0.25, 20, 16);
  metrics.next_token(0.03);
  metrics.step({.prompt_tokens = 4,
                .generated_tokens = 1,
                .seconds = 0.03,
                .host_seconds = 0.002,
                .network_seconds = 0.001});
  metrics.request_finished({.prompt_tokens = 20,
                            .output_tokens = 3,
                            .max_output = 16,
                            .first_token_seconds = 0.25,
                            .total_seconds = 0.31});
  metrics.response(200);
  metrics.response(200);
  metrics.response(429);
  return metrics;
}

TEST(Prometheus, CountersAndGaugesBearTheModelsName) {
  const std::string text = render_prometheus(busy());
  EXPECT_THAT(text, HasSubstr("\nvllm:num_requests_waiting{model_name=\"demo\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\nvllm:kv_cache_usage_perc{model_name=\"demo\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("\nvllm:prefix_cache_hits_total{model_name=\"demo\"} 64\n"));
  EXPECT_THAT(text, HasSubstr("\nvllm:prompt_tokens_total{model_name=\"demo\"} 20\n"));
  EXPECT_THAT(text,
              HasSubstr("\nvllm:request_success_total{model_name=\"demo\",finished_reason=\"stop\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\ncaravan_http_responses_total{code=\"200\"} 2\n"
                              "caravan_http_responses_total{code=\"429\"} 1\n"));
}

TEST(Prometheus, BucketsAreCumulativeAndEndWithAll) {
  Exposition out;
  Histogram histogram(std::array<double, 2>{0.5, 1.0});
  for (const double value : {0.25, 0.75, 3.0}) histogram.observe(value);
  out.family("x", "histogram", "Help.");
  out.samples({{"a", "b"}}, histogram);
  EXPECT_EQ(
      out.text(),
      "# HELP x Help.\n# TYPE x histogram\n"
      "x_bucket{a=\"b\",le=\"0.5\"} 1\nx_bucket{a=\"b\",le=\"1.0\"} 2\nx_bucket{a=\"b\",le=\"+Inf\"} 3\n"
      "x_sum{a=\"b\"} 4\nx_count{a=\"b\"} 3\n");
}

TEST(Prometheus, EscapesLabelsAndHelp) {
  Exposition out;
  out.family("x", "gauge", "A \\ and a\nline, \"quoted\".");
  out.sample({{"name", "C:\\model\n\"7b\""}}, 1.5);
  EXPECT_EQ(out.text(),
            "# HELP x A \\\\ and a\\nline, \"quoted\".\n# TYPE x gauge\n"
            "x{name=\"C:\\\\model\\n\\\"7b\\\"\"} 1.5\n");
}

TEST(Prometheus, WritesNumbersAsTheFormatHasThem) {
  EXPECT_EQ(sample_number(100000.0), "100000");
  EXPECT_EQ(sample_number(0.1), "0.1");
  EXPECT_EQ(sample_number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(sample_number(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

TEST(Prometheus, EachLineIsACommentOrASampleAndEachFamilyStandsOnce) {
  const std::string text = render_prometheus(busy());
  const std::regex comment("# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+");
  const std::regex sample(
      R"re([a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [-+]?[0-9.eE+-]+)re");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(std::regex_match(line, line[0] == '#' ? comment : sample)) << line;
  const std::vector<std::string> families = all_of(text, "# TYPE ([^ ]+) ");
  EXPECT_EQ(std::set<std::string>(families.begin(), families.end()).size(), families.size());
  EXPECT_EQ(text.back(), '\n');
}

/// The names that a query over `text` finds.
std::set<std::string> sample_names(const std::string& text) {
  const std::vector<std::string> names = all_of(text, "\n([a-z0-9_:]+)[{ ]");
  return {names.begin(), names.end()};
}

TEST(GrafanaDashboard, AsksOnlyForWhatIsRendered) {
  const std::string path = "web/grafana-dashboard.json";
  const Json dashboard = parse_json(read_file(test::source_dir() / path, 1U << 20U), path);
  const std::set<std::string> rendered = sample_names("\n" + render_prometheus(busy()));
  size_t queries = 0;
  for (const Json& panel : dashboard.at("panels")) {
    if (!panel.contains("targets")) continue;
    for (const Json& target : panel.at("targets")) {
      ++queries;
      const auto query = target.at("expr").get<std::string>();
      const std::vector<std::string> names =
          all_of(query, "((?:vllm:|caravan_|process_|http_)[a-zA-Z0-9_:]+)");
      EXPECT_FALSE(names.empty()) << query;
      for (const std::string& name : names) EXPECT_TRUE(rendered.contains(name)) << name << " in " << query;
    }
  }
  EXPECT_GT(queries, 20U);
}

TEST(Prometheus, HasWhatVllmsOwnDashboardAsksFor) {
  const std::set<std::string> rendered = sample_names("\n" + render_prometheus(busy()));
  for (const char* name :
       {"vllm:e2e_request_latency_seconds_bucket", "vllm:e2e_request_latency_seconds_sum",
        "vllm:e2e_request_latency_seconds_count", "vllm:prompt_tokens_total", "vllm:generation_tokens_total",
        "vllm:time_per_output_token_seconds_bucket", "vllm:inter_token_latency_seconds_bucket",
        "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:time_to_first_token_seconds_bucket",
        "vllm:gpu_cache_usage_perc", "vllm:kv_cache_usage_perc", "vllm:request_prompt_tokens_bucket",
        "vllm:request_generation_tokens_bucket", "vllm:request_success_total",
        "vllm:request_queue_time_seconds_sum", "vllm:request_prefill_time_seconds_sum",
        "vllm:request_decode_time_seconds_sum", "vllm:request_max_num_generation_tokens_sum"})
    EXPECT_TRUE(rendered.contains(name)) << name;
}

TEST(MetricsJson, GivesMindiesFiveFiguresInItsForm) {
  const Json json = render_json(busy(), "127.0.0.1:8000");
  EXPECT_EQ(json.at("resultType"), "vector");
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const Json& row : json.at("result")) {
    const Json& labels = row.at("metric").at(0);
    EXPECT_EQ(labels.at("job"), "node");
    EXPECT_EQ(labels.at("instance"), "127.0.0.1:8000");
    names.push_back(labels.at("__name__"));
    values.push_back(row.at("value"));
  }
  EXPECT_THAT(names, ElementsAre("TTFT", "TBT", "waitingInferRequestNum", "processingInferRequestNum",
                                 "remainBlocks"));
  EXPECT_THAT(values, ElementsAre("250", "30", "2", "3", "30"));
}

TEST(MetricsJson, GivesThePageItsFigures) {
  const Json json = render_json(busy(), "127.0.0.1:8000").at("caravan");
  EXPECT_EQ(json.at("model"), "demo");
  EXPECT_EQ(json.at("requests").at("finished").at("stop"), 1);
  EXPECT_EQ(json.at("kv").at("usage"), 0.25);
  EXPECT_EQ(json.at("tokens").at("generated"), 1);
  EXPECT_EQ(json.at("ttft").at("p50"), 0.25);
  EXPECT_EQ(json.at("ttft").at("count"), 1);
}

TEST(MetricsJson, AnswersBeforeTheFirstRequestToo) {
  const Json json = render_json(ServerMetrics("demo", "0.1.0", 100), "127.0.0.1:8000");
  EXPECT_EQ(json.at("result").at(0).at("value"), "0");
  EXPECT_TRUE(json.at("caravan").at("ttft").at("p50").is_null());
}

}  // namespace
}  // namespace caravan::serve
