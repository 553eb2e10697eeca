#include "cli/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/bench/samples.h"

namespace caravan::cli {
namespace {

using test::sample_row;
using test::sample_test_row;
using testing::ElementsAre;
using testing::HasSubstr;

BenchPlan plan_of(const std::string& model, BenchKind kind = BenchKind::kSweep) {
  BenchPlan plan;
  plan.kind = kind;
  plan.repeat = 3;
  plan.cases = {sample_row(1).at};
  plan.cases.front().flags.model_path = model;
  return plan;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

BenchSearch search_of(int64_t batch, std::optional<int64_t> bounded = std::nullopt) {
  return {sample_row(1).at, 50.0, batch, 47.1, bounded};
}

TEST(JsonReport, HasEveryFieldWithItsUnit) {
  const Json report = report_json(plan_of("models/some"), {sample_row(4)}, {});
  EXPECT_EQ(report["model"], "models/some");
  EXPECT_EQ(report["repeat"], 3);
  EXPECT_EQ(report["threads"], 2);
  EXPECT_FALSE(report.contains("largest_batches"));
  ASSERT_EQ(report["results"].size(), 1U);
  const Json& row = report["results"][0];
  EXPECT_EQ(row["dtype"], "bf16");
  EXPECT_EQ(row["kv_cache_dtype"], "bf16");
  EXPECT_EQ(row["mode"], "eager");
  EXPECT_EQ(row["threads"], 2);
  EXPECT_EQ(row["batch_size"], 4);
  EXPECT_EQ(row["input_tokens"], 512);
  EXPECT_EQ(row["output_tokens"], 128);
  EXPECT_EQ(row["prefill_ms"], 100.0);
  EXPECT_EQ(row["prefill_of_limit"], 0.25);
  EXPECT_EQ(row["decode_mean_ms"], 6.0);
  EXPECT_EQ(row["decode_median_ms"], 6.0);
  EXPECT_EQ(row["decode_p90_ms"], 9.0);
  EXPECT_EQ(row["decode_p99_ms"], 12.0);
  EXPECT_DOUBLE_EQ(row["decode_tokens_per_second"].get<double>(), 4 / 0.006);
  EXPECT_EQ(row["decode_limit_ms"], 3.0);
  EXPECT_EQ(row["decode_of_limit"], 0.5);
  EXPECT_EQ(row["weights_bytes"], 1'000'000);
  EXPECT_EQ(row["kv_cache_bytes"], 500'000);
  EXPECT_EQ(row["other_bytes"], 250'000);
  EXPECT_EQ(row["peak_bytes"], 1'750'000);
  EXPECT_EQ(row["machine_bytes_per_second"], 20e9);
  EXPECT_EQ(row["machine_flops_per_second"], 100e9);
}

TEST(JsonReport, HasNullForWhatWasNotMeasured) {
  BenchFigures row = sample_row(1);
  row.decode.reset();
  row.prefill_limit_ms.reset();
  row.peak_bytes.reset();
  row.limits.flops_per_second.reset();
  const Json object = report_json(plan_of("m"), {row}, {})["results"][0];
  for (const char* name : {"decode_mean_ms", "decode_limit_ms", "decode_of_limit", "prefill_limit_ms",
                           "prefill_of_limit", "peak_bytes", "other_bytes", "machine_flops_per_second"}) {
    ASSERT_TRUE(object.contains(name)) << name;
    EXPECT_TRUE(object[name].is_null()) << name;
  }
}

TEST(JsonReport, EscapesThePathOfTheModel) {
  const std::string path = "models/\"a\\b\"\n";
  const Json report = report_json(plan_of(path), {sample_row(1)}, {});
  EXPECT_THAT(report.dump(), HasSubstr("models/\\\"a\\\\b\\\"\\n"));
  EXPECT_EQ(Json::parse(report.dump())["model"], path);
}

TEST(JsonReport, OfATestHasItsRate) {
  const Json row = report_json(plan_of("m", BenchKind::kTests), {sample_test_row()}, {})["results"][0];
  EXPECT_EQ(row["test"], "pp512");
  EXPECT_EQ(row["tokens_per_second_mean"], 5000.0);
  EXPECT_EQ(row["tokens_per_second_deviation"], 12.0);
  EXPECT_EQ(row["of_limit"], 0.25);
  EXPECT_FALSE(row.contains("decode_mean_ms"));
}

TEST(JsonReport, OfASearchHasWhatWasFound) {
  const Json report =
      report_json(plan_of("m", BenchKind::kSearch), {sample_row(1)}, {search_of(12), search_of(64, 64)});
  ASSERT_EQ(report["largest_batches"].size(), 2U);
  const Json& found = report["largest_batches"][0];
  EXPECT_EQ(found["batch_size"], 12);
  EXPECT_EQ(found["decode_under_ms"], 50.0);
  EXPECT_EQ(found["decode_median_ms"], 47.1);
  EXPECT_TRUE(found["bounded_at"].is_null());
  EXPECT_EQ(report["largest_batches"][1]["bounded_at"], 64);
}

TEST(CsvReport, HasALineOfNamesAndOneOfAsManyValuesForEachRow) {
  BenchFigures bare = sample_row(2);
  bare.decode.reset();
  bare.peak_bytes.reset();
  const std::vector<std::string> lines = split(report_csv({sample_row(1), bare}), '\n');
  ASSERT_EQ(lines.size(), 3U);
  const std::vector<std::string> names = split(lines[0], ',');
  const Json object = report_json(plan_of("m"), {sample_row(1)}, {})["results"][0];
  EXPECT_EQ(names.size(), object.size());
  for (const std::string& name : names) EXPECT_TRUE(object.contains(name)) << name;
  EXPECT_THAT(lines[1], testing::StartsWith("bf16,bf16,eager,2,1,512,128,100.0,"));
  for (const std::string& line : lines) EXPECT_EQ(split(line, ',').size(), names.size()) << line;
  // A field without a value is empty.
  EXPECT_THAT(lines[2], HasSubstr(",,,,,,,bf16,1000000,500000,,,"));
}

TEST(Table, HasEachFigureUnderItsNameAndADashForNone) {
  const std::vector<std::string> head = split(table_head(plan_of("models/some")), '\n');
  const std::string& names = head.back();
  BenchFigures row = sample_row(4);
  EXPECT_EQ(table_row(row).size(), names.size());
  EXPECT_THAT(table_row(row), HasSubstr("  6.000    6.000    9.000    12.00"));
  row.decode.reset();
  EXPECT_EQ(table_row(row).size(), names.size());
  EXPECT_THAT(table_row(row), HasSubstr("  -  "));
}

TEST(Table, SaysWhatTheLimitsWere) {
  BenchFigures slower = sample_row(2);
  slower.limits.bytes_per_second = 15e9;
  EXPECT_THAT(table_foot({sample_row(1)}), HasSubstr(" at 20.00 GB/s,"));
  EXPECT_THAT(table_foot({sample_row(1), slower}), HasSubstr(" at 15.00 to 20.00 GB/s,"));
  slower.limits.flops_per_second.reset();
  EXPECT_THAT(table_foot({slower}), HasSubstr("no peak was measured"));
}

TEST(SearchLine, SaysWhatWasFoundAndWhatBoundIt) {
  EXPECT_EQ(
      search_line(search_of(12)),
      "largest batch with a median decode step under 50 ms (bf16, eager, 512 tokens in): 12, at 47.10 ms");
  EXPECT_THAT(search_line(search_of(64, 64)),
              HasSubstr(": 64, at 47.10 ms; memory, context and --max-batch-tokens allow no larger one"));
  EXPECT_THAT(search_line(search_of(0)), HasSubstr(": none; one sequence takes 47.10 ms"));
}

}  // namespace
}  // namespace caravan::cli
