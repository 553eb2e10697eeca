#include "cli/eval/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/paths.h"

namespace caravan::eval {
namespace {

using testing::HasSubstr;

std::string demo() { return (test::source_dir() / "models" / "demo").string(); }
std::string mha() { return test::fixture("models/mha").string(); }
std::string gqa() { return test::fixture("models/gqa_odd_head").string(); }

EvalPlan plan_of(const std::vector<std::string>& words) {
  return parse_eval_plan(cli::Arguments(eval_command(), words));
}

std::string refusal_of(const std::vector<std::string>& words) {
  return test::error_of([&] { return plan_of(words); });
}

std::vector<std::string> paths_of(const EvalPlan& plan) {
  std::vector<std::string> paths;
  for (const PlannedCheckpoint& each : plan.checkpoints) paths.push_back(each.flags.model_path.string());
  return paths;
}

TEST(EvalPlan, TakesCheckpointsFromListsAndRepeatedFlags) {
  const EvalPlan plan =
      plan_of({"--model-path", demo() + "," + mha(), "--model-path", gqa(), "--text", "tale.txt"});
  EXPECT_EQ(paths_of(plan), (std::vector<std::string>{demo(), mha(), gqa()}));
  EXPECT_EQ(plan.baseline, 0U);
  for (const PlannedCheckpoint& each : plan.checkpoints) EXPECT_EQ(each.flags.load.dtype, std::nullopt);
}

TEST(EvalPlan, GivesAllCheckpointsOneTypeOrEachItsOwn) {
  const EvalPlan one = plan_of({"--model-path", demo() + "," + mha(), "--dtype", "fp32"});
  EXPECT_EQ(one.checkpoints[1].flags.load.dtype, DType::kF32);
  const EvalPlan each =
      plan_of({"--model-path", demo() + "," + demo(), "--dtype", "bf16", "--dtype", "auto"});
  EXPECT_EQ(each.checkpoints[0].flags.load.dtype, DType::kBF16);
  EXPECT_EQ(each.checkpoints[1].flags.load.dtype, std::nullopt);
  EXPECT_THAT(refusal_of({"--model-path", demo() + "," + demo(), "--dtype", "bf16,fp32,fp16"}),
              HasSubstr("--dtype: found 3 values for 2 checkpoints, expected one for all, or one for each"));
}

TEST(EvalPlan, MakesSeveralCheckpointsOfOnePathThatDifferInTheRest) {
  const EvalPlan plan = plan_of({"--model-path", demo(), "--quantize", "none,w8a8,w4a16", "--group-size",
                                 "auto,auto,64", "--kv-cache-dtype", "auto,int8,auto"});
  ASSERT_EQ(paths_of(plan), (std::vector<std::string>{demo(), demo(), demo()}));
  EXPECT_FALSE(plan.checkpoints[0].flags.load.quantize.has_value());
  EXPECT_EQ(name_of(plan.checkpoints[1].flags.load.quantize.value()), "w8a8");
  EXPECT_EQ(plan.checkpoints[1].flags.load.kv_cache_dtype, DType::kI8);
  EXPECT_EQ(plan.checkpoints[2].flags.load.quantize.value().weight.group, 64);
  EXPECT_EQ(plan.checkpoints[2].flags.load.kv_cache_dtype, std::nullopt);
  EXPECT_THAT(refusal_of({"--model-path", demo(), "--quantize", "none,w8a8", "--dtype", "bf16,fp32,fp16"}),
              HasSubstr("--quantize: found 2 values for 3 checkpoints"));
  EXPECT_THAT(refusal_of({"--model-path", demo(), "--quantize", "none,w4a4"}), HasSubstr("\"w4a4\""));
}

TEST(EvalPlan, FindsTheBaselineAmongTheCheckpointsOrPutsItFirst) {
  const EvalPlan among = plan_of({"--model-path", mha() + "," + demo(), "--baseline", demo() + "/"});
  EXPECT_EQ(among.checkpoints.size(), 2U);
  EXPECT_EQ(among.baseline, 1U);
  const EvalPlan beside = plan_of({"--model-path", demo(), "--baseline", mha()});
  EXPECT_EQ(paths_of(beside), (std::vector<std::string>{mha(), demo()}));
  EXPECT_EQ(beside.baseline, 0U);
}

TEST(EvalPlan, TakesTheHeldOutFilesOfTheDemoModelUnlessAnotherIsNamed) {
  const EvalPlan own = plan_of({"--model-path", mha() + "," + demo()});
  EXPECT_EQ(own.text, std::filesystem::path(demo()) / "heldout" / "stories.jsonl");
  EXPECT_EQ(own.questions, std::filesystem::path(demo()) / "heldout" / "questions.jsonl");
  const EvalPlan text = plan_of({"--model-path", demo(), "--text", "tale.txt"});
  EXPECT_EQ(text.text, "tale.txt");
  EXPECT_EQ(text.questions, std::nullopt);
  EXPECT_EQ(
      refusal_of({"--model-path", mha()}),
      "--text: is missing, and " + mha() +
          " has no held-out texts of its own as models/demo has, expected --text FILE or --questions FILE");
}

TEST(EvalPlan, ReadsWindowsAsLongAsTheContextAndHalfOfThemAnew) {
  const EvalPlan usual = plan_of({"--model-path", demo()});
  EXPECT_EQ(usual.max_length, 512);
  EXPECT_EQ(usual.stride, 256);
  EXPECT_EQ(plan_of({"--model-path", demo(), "--max-length", "3"}).stride, 1);
  EXPECT_EQ(plan_of({"--model-path", demo(), "--max-length", "2"}).stride, 1);
  EXPECT_EQ(plan_of({"--model-path", demo(), "--stride", "511"}).stride, 511);
}

TEST(EvalPlan, SaysWhatIsWrongWithAFlag) {
  EXPECT_EQ(refusal_of({}),
            "--model-path: is missing, expected the folders of one or more checkpoints, or GGUF files");
  EXPECT_THAT(refusal_of({"--model-path", demo() + ",/nowhere"}), HasSubstr("/nowhere"));
  EXPECT_THAT(refusal_of({"--model-path", demo() + ","}), HasSubstr("--model-path"));
  EXPECT_EQ(refusal_of({"--model-path", demo(), "--stride", "512"}),
            "--stride: found \"512\", expected an integer from 1 to 511");
  EXPECT_EQ(refusal_of({"--model-path", demo(), "--max-length", "513"}),
            "--max-length: found \"513\", expected an integer from 2 to 512");
  EXPECT_THAT(refusal_of({"--model-path", demo(), "--limit", "0"}),
              HasSubstr("--limit: found \"0\", expected"));
  EXPECT_EQ(refusal_of({"--model-path", demo(), "--text", ""}),
            "--text: found \"\", expected the name of a file");
  EXPECT_EQ(refusal_of({"--model-path", demo(), "--svg", "-"}), "--svg: found \"-\", expected a file");
  EXPECT_EQ(refusal_of({"--model-path", demo(), "--json", "x", "--svg", "./x"}),
            "--svg: names the file of --json, expected one of its own");
}

}  // namespace
}  // namespace caravan::eval
