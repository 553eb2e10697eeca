// What a command line asks `caravan bench` to measure, on a checkpoint whose context has 256 tokens.
#include "cli/bench/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/errors.h"
#include "support/paths.h"

namespace caravan::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t kPlenty = uint64_t{1} << 40U;

BenchPlan plan_of(std::vector<std::string> words, uint64_t available_bytes = kPlenty) {
  words.insert(words.begin(), {"--model-path", test::fixture("models/gqa_odd_head").string()});
  return parse_bench_plan(Arguments(bench_command(), words), available_bytes);
}

/// "fp32 eager 512+128 x4" of each case.
std::vector<std::string> cases_of(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const BenchCase& at : plan_of(words).cases) {
    names.push_back(dtypes_of(at) + " " + at.mode + " " + std::to_string(at.input) + "+" +
                    std::to_string(at.output) + " x" + std::to_string(at.batch));
  }
  return names;
}

TEST(Plan, WithoutFlagsIsOneCaseThatFitsTheContext) {
  // Half the context in, and the 128 tokens that are left of it out.
  EXPECT_THAT(cases_of({}), ElementsAre("fp32 max-autotune 128+128 x1"));
  EXPECT_EQ(plan_of({}).repeat, 3);
  EXPECT_EQ(plan_of({}).kind, BenchKind::kSweep);
}

TEST(Plan, IsEveryCombinationInOrder) {
  EXPECT_THAT(cases_of({"--dtype", "bf16,fp32", "--execute-mode", "eager,reduce-overhead",
                        "--max-input-length", "8,16", "--max-output-length", "4", "--batch-size", "1,3"}),
              ElementsAre("bf16 eager 8+4 x1", "bf16 eager 8+4 x3", "bf16 eager 16+4 x1",
                          "bf16 eager 16+4 x3", "bf16 reduce-overhead 8+4 x1", "bf16 reduce-overhead 8+4 x3",
                          "bf16 reduce-overhead 16+4 x1", "bf16 reduce-overhead 16+4 x3", "fp32 eager 8+4 x1",
                          "fp32 eager 8+4 x3", "fp32 eager 16+4 x1", "fp32 eager 16+4 x3",
                          "fp32 reduce-overhead 8+4 x1", "fp32 reduce-overhead 8+4 x3",
                          "fp32 reduce-overhead 16+4 x1", "fp32 reduce-overhead 16+4 x3"));
}

TEST(Plan, MeasuresEachDtypeOfTheCache) {
  EXPECT_THAT(cases_of({"--dtype", "bf16", "--kv-cache-dtype", "auto,int8", "--max-input-length", "8",
                        "--max-output-length", "4", "--batch-size", "1,2"}),
              ElementsAre("bf16 max-autotune 8+4 x1", "bf16 max-autotune 8+4 x2",
                          "bf16/int8 max-autotune 8+4 x1", "bf16/int8 max-autotune 8+4 x2"));
}

TEST(Plan, KnowsTheOtherNamesOfItsFlags) {
  EXPECT_THAT(cases_of({"--seq-len-in", "8", "--seq_len_out=4", "--exe-mode", "dynamo", "--is-bf16"}),
              ElementsAre("bf16 max-autotune 8+4 x1"));
}

TEST(Plan, LeavesTheInputRoomForALongOutput) {
  EXPECT_THAT(cases_of({"--max-output-length", "255"}), ElementsAre("fp32 max-autotune 1+255 x1"));
  EXPECT_THAT(cases_of({"--max-input-length", "254"}), ElementsAre("fp32 max-autotune 254+2 x1"));
}

TEST(Plan, GivesTheEngineWhatTheCaseNeeds) {
  const BenchCase at =
      plan_of({"--max-input-length", "10", "--max-output-length", "4", "--batch-size", "3"}).cases.front();
  EXPECT_EQ(at.flags.engine.max_sequences, 3);
  EXPECT_EQ(at.flags.engine.max_sequence_length, 14);
}

TEST(Plan, LetsTheFirstSequencesRunOnWhileTheLastPrefill) {
  // With 10 tokens to a step the first sequence has two more tokens when the second prompt is computed.
  const BenchCase at = plan_of({"--max-input-length", "10", "--max-output-length", "4", "--batch-size", "2",
                                "--max-batch-tokens", "10"})
                           .cases.front();
  EXPECT_EQ(at.flags.engine.max_sequence_length, 10 + 4 + 2);
}

TEST(Plan, TakesALongPromptInStepsOfOneToken) {
  EXPECT_THAT(cases_of({"--max-batch-tokens", "1", "--max-input-length", "200", "--max-output-length", "56"}),
              ElementsAre("fp32 max-autotune 200+56 x1"));
}

TEST(Plan, OfASearchHasABatchOfOne) {
  const BenchPlan plan = plan_of({"--max-batch-size-under", "2.5", "--max-input-length", "8,16"});
  EXPECT_EQ(plan.kind, BenchKind::kSearch);
  EXPECT_EQ(plan.max_decode_ms, 2.5);
  ASSERT_EQ(plan.cases.size(), 2U);
  EXPECT_EQ(plan.cases[0].batch, 1);
}

TEST(Plan, OfTestsIsLlamaBenchs) {
  const BenchPlan plan = plan_of({"--pp", "16,32", "--tg", "8"});
  EXPECT_EQ(plan.kind, BenchKind::kTests);
  ASSERT_EQ(plan.cases.size(), 3U);
  EXPECT_EQ(plan.cases[1].test, "pp32");
  EXPECT_EQ(plan.cases[1].input, 32);
  EXPECT_EQ(plan.cases[1].output, 1);
  EXPECT_EQ(plan.cases[2].test, "tg8");
  EXPECT_EQ(plan.cases[2].input, 1);
  EXPECT_EQ(plan.cases[2].output, 8);
}

TEST(Plan, KeepsThePathsOfItsReports) {
  const BenchPlan plan = plan_of({"--json", "-", "--csv", "a.csv", "--plot", "a.svg"});
  EXPECT_EQ(plan.report.json, "-");
  EXPECT_EQ(plan.report.csv, "a.csv");
  EXPECT_EQ(plan.report.plot, "a.svg");
}

TEST(Plan, RefusesABatchThatDoesNotFitIntoMemory) {
  // 33804 parameters; 2 layers of 2 * 3 * 10 elements for each of 16 tokens: 7680 bytes a sequence.
  const std::vector<std::string> words = {"--max-input-length", "12",  "--max-output-length", "4",
                                          "--batch-size",       "1,10"};
  EXPECT_NO_THROW(plan_of(words, 4 * 33804 + 10 * 7680));
  EXPECT_EQ(test::error_of([&] { plan_of(words, 4 * 33804 + 10 * 7680 - 1); }),
            "--batch-size 10: the weights (0.0001 GB of fp32) and a KV cache of 10 sequences of 16 tokens "
            "(0.0001 GB) need 0.0002 GB, but 0.0002 GB are free, expected a batch of at most 9");
  EXPECT_THAT(test::error_of([] { plan_of({"--tg", "8"}, 1000); }), StartsWith("--tg 8: the weights"));
}

TEST(Plan, NeedsAContextWithADecodeStep) {
  const test::TemporaryFolder folder;
  std::string config = read_file(test::fixture("models/gqa_odd_head/config.json"), 100'000);
  const std::string field = "\"max_position_embeddings\": ";
  const size_t at = config.find(field + "256");
  ASSERT_NE(at, std::string::npos);
  const auto with_context = [&](const std::string& context) {
    std::string changed = config;
    changed.replace(at, field.size() + 3, field + context);
    const std::string path = folder.write("config.json", changed).parent_path().string();
    const Arguments arguments(bench_command(), {"--model-path", path, "--load-format", "dummy"});
    return parse_bench_plan(arguments, kPlenty).cases.front();
  };
  EXPECT_EQ(test::error_of([&] { with_context("2"); }),
            "config.json: a context of 2 tokens leaves no decode step to measure, expected at least 3");
  EXPECT_EQ(with_context("3").input, 1);
  EXPECT_EQ(with_context("3").output, 2);
}

TEST(Plan, HasOneSentenceForEachMistake) {
  using Words = std::vector<std::string>;
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"--batch-size", "0"}, "--batch-size: found \"0\", expected an integer from 1 to 65536"},
      {{"--batch-size", "1,,2"}, "--batch-size: found \"\", expected an integer from 1 to 65536"},
      {{"--batch-size", "1,x"}, "--batch-size: found \"x\", expected an integer"},
      {{"--batch-size", "4096"}, "--batch-size: found 4096, expected at most 2048, the tokens of a step"},
      {{"--batch-size", "9", "--max-batch-tokens", "9", "--max-input-length", "200"},
       "--batch-size 9: in steps of 9 tokens the first prompts of 200 tokens fill the context of 256"},
      {{"--max-input-length", "0"}, "--max-input-length: found \"0\", expected an integer from 1 to 254"},
      {{"--max-input-length", "255"}, "--max-input-length: found \"255\", expected"},
      {{"--max-input-length", "8,"}, "--max-input-length: found \"\", expected"},
      {{"--max-output-length", "1"}, "--max-output-length: found \"1\", expected an integer from 2 to 255"},
      {{"--max-output-length", "256"}, "--max-output-length: found \"256\", expected"},
      {{"--max-input-length", "200", "--max-output-length", "57"},
       "--max-input-length: found 200, which with 57 tokens of output (--max-output-length) makes 257, "
       "expected at most 256, the context of the model"},
      {{"--execute-mode", "eager,fast"}, "--execute-mode: found \"fast\", expected eager"},
      {{"--dtype", "fp32,,bf16"}, "--dtype: found \"\", expected auto, fp32, fp16 or bf16"},
      {{"--kv-cache-dtype", "auto,fp8"}, "--kv-cache-dtype: found \"fp8\", expected auto or int8"},
      {{"--repeat", "0"}, "--repeat: found \"0\", expected an integer from 1 to 1000"},
      {{"--repeat", "1,2"}, "--repeat: found \"1,2\", expected an integer"},
      {{"--max-batch-size-under", "0"}, "--max-batch-size-under: found \"0\", expected a number from 0.001"},
      {{"--max-batch-size-under", "nan"}, "--max-batch-size-under: found \"nan\", expected a number"},
      {{"--max-batch-size-under", "5", "--batch-size", "2"},
       "--max-batch-size-under: cannot be given with --batch-size"},
      {{"--pp", "8", "--batch-size", "2"},
       "--pp: cannot be given with --batch-size, expected one of the two"},
      {{"--tg", "8", "--max-input-length", "2"}, "--tg: cannot be given with --max-input-length"},
      {{"--tg", "8", "--max-batch-size-under", "2"}, "--tg: cannot be given with --max-batch-size-under"},
      {{"--pp", "8", "--plot", "x.svg"}, "--pp: cannot be given with --plot"},
      {{"--pp", "256"}, "--pp: found \"256\", expected an integer from 1 to 255"},
      {{"--tg", "1"}, "--tg: found \"1\", expected an integer from 2 to 255"},
      {{"--tg", "8,,"}, "--tg: found \"\", expected"},
      {{"--json", "-", "--csv", "-"}, "--csv: found \"-\", but --json has standard output already"},
      {{"--plot", "-"}, "--plot: found \"-\", expected a file"},
      {{"--json", ""}, "--json: found \"\", expected the name of a file to write"},
      {{"--json", "a", "--csv", "./a"}, "--csv: names the file of --json, expected one of its own"},
      {{"--json", "a", "--plot", "b/../a"}, "--plot: names the file of --json"},
      {{"--max-memory-gb", "0"}, "--max-memory-gb: found \"0\", expected a number from 0.001"},
      {{"--batch-sizes", "1"}, "unknown flag \"--batch-sizes\": did you mean --batch-size?"},
  };
  for (const auto& [words, sentence] : cases)
    EXPECT_THAT(test::error_of([&words = words] { plan_of(words); }), StartsWith(sentence));
  EXPECT_THAT(test::error_of([] { parse_bench_plan(Arguments(bench_command(), {}), kPlenty); }),
              HasSubstr("--model-path: is missing"));
}

TEST(DecodesTogether, NeedsATokenOfEachInAStepAndRoomForOneMore) {
  BenchCase at;
  at.input = 10;
  at.flags.engine.max_batch_tokens = 10;
  EXPECT_TRUE(decodes_together(at, 1, 12));
  EXPECT_FALSE(decodes_together(at, 1, 11));
  // Two sequences: the first has three tokens when the second is computed.
  EXPECT_TRUE(decodes_together(at, 2, 14));
  EXPECT_FALSE(decodes_together(at, 2, 13));
  EXPECT_FALSE(decodes_together(at, 11, 1'000'000));
}

TEST(LargestRunnableBatch, CountsTheLongerSequencesOfALargerBatch) {
  // A prompt of 10 tokens leaves 6 of a block of 16. With 10 tokens to a step, the first sequence of a batch
  // above `fitting` generates more than those before it is done, and every sequence has two blocks.
  const BenchPlan plan = plan_of({"--max-batch-size-under", "1", "--max-input-length", "10",
                                  "--max-output-length", "2", "--max-batch-tokens", "10"});
  const BenchCase& at = plan.cases.front();
  int64_t fitting = 1;
  while (with_batch(at, fitting + 1, plan.config).flags.engine.max_sequence_length <= 16) ++fitting;
  ASSERT_GE(fitting, 2);
  const auto room_for = [](int64_t blocks) { return static_cast<uint64_t>(4 * 33804 + 7680 * blocks); };
  EXPECT_EQ(largest_runnable_batch(room_for(fitting + 1), at, plan.config), fitting);
  EXPECT_EQ(largest_runnable_batch(room_for(2 * (fitting + 1)), at, plan.config), fitting + 1);
  EXPECT_EQ(largest_runnable_batch(room_for(0), at, plan.config), 0);
  // With memory for all of them, a step has a token of ten at most.
  EXPECT_EQ(largest_runnable_batch(kPlenty, at, plan.config), 10);
}

}  // namespace
}  // namespace caravan::cli
