#include "cli/bench/run.h"

#include <gtest/gtest.h>

#include "cli/bench/plan.h"
#include "support/paths.h"

namespace caravan::cli {
namespace {

TEST(TokensWhilePrefilling, IsOneWhereOneStepComputesAllPrompts) {
  EXPECT_EQ(tokens_while_prefilling(1, 5, 5), 1);
  EXPECT_EQ(tokens_while_prefilling(4, 5, 20), 1);
  EXPECT_EQ(tokens_while_prefilling(3, 1, 3), 1);
}

TEST(TokensWhilePrefilling, IsOneForASingleSequenceHoweverManyStepsItsPromptTakes) {
  EXPECT_EQ(tokens_while_prefilling(1, 500, 1), 1);
  EXPECT_EQ(tokens_while_prefilling(1, 500, 7), 1);
}

TEST(TokensWhilePrefilling, CountsTheStepsInWhichTheFirstDecodes) {
  // 5 of the first; then its token beside 4 of the second; then its next beside the last one of the second.
  EXPECT_EQ(tokens_while_prefilling(2, 5, 5), 3);
  // The last token of the first beside one of the second, whose other four take a step each.
  EXPECT_EQ(tokens_while_prefilling(2, 5, 2), 5);
}

TEST(RunCase, TakesTheWeightsThatThePlanHasOpened) {
  const test::TemporaryFolder folder;
  const std::filesystem::path model = test::fixture("models/gqa_odd_head");
  for (const char* name : {"config.json", "model.safetensors"})
    std::filesystem::copy(model / name, folder / name);
  const BenchPlan plan =
      parse_bench_plan(Arguments(bench_command(), {"--model-path", folder.path().string(), "--quantize",
                                                   "none,w8a8", "--autotune", "off", "--max-input-length",
                                                   "4", "--max-output-length", "2"}),
                       uint64_t{1} << 40U);
  std::filesystem::remove(folder / "model.safetensors");
  ASSERT_EQ(plan.cases.size(), 2U);
  uint64_t whole = 0;
  for (const BenchCase& at : plan.cases) {
    const BenchRuns runs = run_case(at, 1, [](const std::string& /*what*/) {});
    EXPECT_EQ(runs.decode_seconds.size(), 1U);
    if (whole == 0) whole = runs.weight_bytes;
  }
  EXPECT_LT(run_case(plan.cases[1], 1, [](const std::string& /*what*/) {}).weight_bytes, whole);
}

}  // namespace
}  // namespace caravan::cli
