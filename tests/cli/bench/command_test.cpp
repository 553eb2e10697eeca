// `caravan bench` as a user meets it, on a model that is small enough to be measured in no time.
#include "cli/bench/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "base/json.h"
#include "cli/outcome.h"
#include "support/paths.h"

namespace caravan::cli {
namespace {

using test::caravan_program;
using test::Outcome;
using testing::HasSubstr;

namespace fs = std::filesystem;

/// `caravan bench` on random weights of a tiny config, two threads, one run of each case.
Outcome bench_dummy(const std::vector<std::string>& more) {
  const test::TemporaryFolder folder;
  fs::copy(test::fixture("models/mha/config.json"), folder / "config.json");
  std::vector<std::string> words = {"bench",         "--model-path", folder.path().string(), "--threads", "2",
                                    "--load-format", "dummy",        "--autotune",           "off"};
  words.insert(words.end(), more.begin(), more.end());
  return caravan_program(words);
}

const std::vector<std::string> kSmall = {"--repeat",
                                         "2",
                                         "--max-input-length",
                                         "8",
                                         "--max-output-length",
                                         "4",
                                         "--execute-mode",
                                         "eager,reduce-overhead,max-autotune",
                                         "--batch-size",
                                         "1,3"};

std::vector<std::string> small_and(const std::vector<std::string>& more) {
  std::vector<std::string> words = kSmall;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Bench, MeasuresEveryModeAndWritesEveryReport) {
  const test::TemporaryFolder folder;
  const fs::path json = folder / "figures.json";
  const fs::path csv = folder / "figures.csv";
  const fs::path svg = folder / "figures.svg";
  const Outcome outcome =
      bench_dummy(small_and({"--json", json.string(), "--csv", csv.string(), "--plot", svg.string()}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json report = Json::parse(read_file(json, 1'000'000));
  ASSERT_EQ(report["results"].size(), 6U);
  const std::vector<std::string> modes = {"eager", "reduce-overhead", "max-autotune"};
  for (size_t i = 0; i < 6; ++i) {
    const Json& row = report["results"][i];
    EXPECT_EQ(row["mode"], modes[i / 2]);
    EXPECT_EQ(row["batch_size"], i % 2 == 0 ? 1 : 3);
    for (const char* figure : {"prefill_ms", "decode_median_ms", "decode_limit_ms", "decode_of_limit",
                               "weights_bytes", "kv_cache_bytes", "machine_bytes_per_second"}) {
      EXPECT_GT(row[figure], 0.0) << figure;
    }
    EXPECT_LE(row["decode_median_ms"], row["decode_p90_ms"]);
    EXPECT_LE(row["decode_p90_ms"], row["decode_p99_ms"]);
  }
  const std::string lines = read_file(csv, 1'000'000);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 7);
  EXPECT_THAT(read_file(svg, 1'000'000), HasSubstr("</svg>"));
  for (const char* part : {"eager ", "reduce-overhead ", "max-autotune ", "| decode step, ms", "GB/s"})
    EXPECT_THAT(outcome.out, HasSubstr(part));
}

TEST(Bench, WritesNothingButTheReportThatStandardOutputIsAskedFor) {
  const std::vector<std::string> one = {"--repeat", "1", "--max-input-length", "4", "--max-output-length",
                                        "2"};
  const auto written_to_output = [&one](const char* flag) {
    std::vector<std::string> words = one;
    words.insert(words.end(), {flag, "-"});
    const Outcome outcome = bench_dummy(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  };
  EXPECT_EQ(Json::parse(written_to_output("--json"))["results"].size(), 1U);
  const std::string csv = written_to_output("--csv");
  EXPECT_TRUE(csv.starts_with("dtype,weights,mode,threads,")) << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 2);
}

TEST(Bench, DecodesTogetherWhereThePromptsTakeSeveralSteps) {
  const Outcome outcome = bench_dummy({"--repeat", "2", "--max-input-length", "8", "--max-output-length", "4",
                                       "--batch-size", "1,3", "--max-batch-tokens", "5", "--json", "-"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json report = Json::parse(outcome.out);
  for (const Json& row : report["results"]) EXPECT_GT(row["decode_mean_ms"], 0.0);
}

TEST(Bench, MeasuresAnInt8CacheBesideTheWeightsOwn) {
  const Outcome outcome = bench_dummy({"--repeat", "1", "--max-input-length", "4", "--max-output-length", "3",
                                       "--kv-cache-dtype", "auto,int8", "--json", "-"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json results = Json::parse(outcome.out)["results"];
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0]["kv_cache_dtype"], results[0]["dtype"]);
  EXPECT_EQ(results[1]["kv_cache_dtype"], "int8");
  EXPECT_LT(results[1]["kv_cache_bytes"], results[0]["kv_cache_bytes"]);
  EXPECT_EQ(results[1]["weights_bytes"], results[0]["weights_bytes"]);
}

TEST(Bench, SearchesTheLargestBatchUnderALatency) {
  // No machine needs an hour, nor can any step take less than a microsecond.
  const std::vector<std::string> words = {
      "--repeat", "1", "--max-input-length", "4", "--max-output-length", "2", "--max-batch-tokens", "4",
      "--json",   "-"};
  const auto found = [&words](const std::string& milliseconds) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--max-batch-size-under", milliseconds});
    const Outcome outcome = bench_dummy(all);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return Json::parse(outcome.out)["largest_batches"][0];
  };
  const Json all = found("3600000");
  EXPECT_EQ(all["batch_size"], 4);
  EXPECT_EQ(all["bounded_at"], 4);
  EXPECT_EQ(found("0.001")["batch_size"], 0);
}

TEST(Bench, RunsLlamaBenchsTests) {
  const Outcome outcome = bench_dummy({"--repeat", "2", "--pp", "8,16", "--tg", "4"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"\npp8 ", "\npp16 ", "\ntg4 ", " +- "}) EXPECT_THAT(outcome.out, HasSubstr(name));
}

TEST(Bench, MeasuresNothingIfAReportCannotBeWritten) {
  const Outcome outcome = bench_dummy(small_and({"--json", "/nowhere/figures.json"}));
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("/nowhere/figures.json: cannot be written: No such file"));
}

TEST(Bench, LeavesNoReportBehindIfItCannotStart) {
  const test::TemporaryFolder folder;
  // A config whose weights are missing is read, but cannot be measured.
  fs::copy(test::fixture("models/mha/config.json"), folder / "config.json");
  const test::TemporaryFolder reports;
  const Outcome outcome = caravan_program({"bench", "--model-path", folder.path().string(), "--dtype", "fp32",
                                           "--autotune", "off", "--json", (reports / "x.json").string()});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_TRUE(fs::is_empty(reports.path()));
}

}  // namespace
}  // namespace caravan::cli
