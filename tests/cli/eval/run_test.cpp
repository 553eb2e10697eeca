#include "cli/eval/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/errors.h"
#include "support/paths.h"

namespace caravan::eval {
namespace {

std::string demo() { return (test::source_dir() / "models" / "demo").string(); }

/// The demo model in three types, opened but not loaded.
std::vector<Checkpoint> three_demos() {
  const EvalPlan plan = parse_eval_plan(
      cli::Arguments(eval_command(), {"--model-path", demo() + "," + demo() + "," + demo(), "--dtype",
                                      "fp32,bf16,fp16", "--threads", "2", "--autotune", "off"}));
  std::vector<Checkpoint> checkpoints;
  for (const PlannedCheckpoint& planned : plan.checkpoints) checkpoints.push_back(open_checkpoint(planned));
  return checkpoints;
}

/// A few windows and two questions, evaluated where `free_memory` says so much is free.
class Evaluation {
 public:
  Evaluation() : text_(test::fixture("eval/tale.jsonl")) {
    work_.text = &text_;
    work_.max_length = 64;
    work_.stride = 32;
    work_.window_limit = 3;
    work_.rows = read_questions(test::fixture("eval/questions.jsonl"));
    work_.rows.resize(2);
    const std::vector<Checkpoint> checkpoints = three_demos();
    const Encoder encoder("demo", checkpoints[0].planned.config, *checkpoints[0].tokenizer, {1, 4});
    for (const QuestionRow& row : work_.rows) work_.questions.push_back(encoder.question(row));
  }

  std::vector<Checkpoint> run(std::function<uint64_t()> free_memory) {
    work_.free_memory = std::move(free_memory);
    std::vector<Checkpoint> checkpoints = three_demos();
    loads_.clear();
    evaluate(checkpoints, 1, work_, [this](const std::string& what) {
      if (what.starts_with("loading")) loads_.push_back(what);
    });
    return checkpoints;
  }
  /// How often a checkpoint was loaded, or tried to be.
  [[nodiscard]] size_t loads() const { return loads_.size(); }

 private:
  TextFile text_;
  EvalWork work_;
  std::vector<std::string> loads_;
};

TEST(Evaluate, GivesTheSameWhereMemoryHasRoomForTwoCheckpointsOnly) {
  Evaluation evaluation;
  const std::vector<Checkpoint> together = evaluation.run([] { return uint64_t{1} << 40U; });
  EXPECT_EQ(evaluation.loads(), 3U);
  // Enough for the baseline and the first beside it, then nothing, then enough again.
  int asked = 0;
  const std::vector<Checkpoint> apart =
      evaluation.run([&asked] { return asked++ == 2 ? uint64_t{0} : uint64_t{1} << 40U; });
  EXPECT_EQ(evaluation.loads(), 4U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(apart[i].engine, nullptr);
    EXPECT_EQ(apart[i].scores.all_text().tokens, together[i].scores.all_text().tokens);
    EXPECT_EQ(apart[i].scores.all_text().nats, together[i].scores.all_text().nats);
    EXPECT_EQ(apart[i].scores.all_questions().all, 2);
    EXPECT_EQ(apart[i].scores.all_questions().right, together[i].scores.all_questions().right);
    EXPECT_EQ(apart[i].scores.distance.tokens, i == 1 ? 0 : together[i].scores.all_text().tokens);
    EXPECT_EQ(apart[i].scores.distance.divergence, together[i].scores.distance.divergence);
  }
}

TEST(Evaluate, SaysWhereTwoCheckpointsDoNotFit) {
  Evaluation evaluation;
  int asked = 0;
  const std::string error = test::error_of(
      [&] { evaluation.run([&asked] { return asked++ == 0 ? uint64_t{1} << 40U : uint64_t{1000}; }); });
  EXPECT_THAT(error, testing::HasSubstr("models/demo: its weights and a KV cache of"));
  EXPECT_THAT(error, testing::HasSubstr("but 1.00 kB of memory are free beside what is loaded"));
}

TEST(RunRows, GivesARowOfEveryEngineForEveryToken) {
  std::vector<Checkpoint> checkpoints = three_demos();
  std::vector<Engine*> engines;
  for (Checkpoint& each : checkpoints) {
    load(each, 512, uint64_t{1} << 40U);
    engines.push_back(each.engine.get());
  }
  // More rows than one step computes.
  std::vector<int32_t> tokens(400);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(10 + i % 1000);
  size_t next = 0;
  run_rows(engines, tokens, [&](size_t position, std::span<const std::span<const float>> rows) {
    EXPECT_EQ(position, next++);
    ASSERT_EQ(rows.size(), 3U);
    for (const std::span<const float> row : rows) EXPECT_EQ(row.size(), 3072U);
    // The types differ in rounding only.
    EXPECT_NEAR(rows[0][7], rows[2][7], 1e-2);
  });
  EXPECT_EQ(next, tokens.size());
  for (const Engine* engine : engines) EXPECT_FALSE(engine->has_work());
}

}  // namespace
}  // namespace caravan::eval
