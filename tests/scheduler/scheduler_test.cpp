#include "scheduler/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace caravan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A scheduler over a pool of its own, with sequences by number.
class SchedulerTest : public testing::Test {
 protected:
  static constexpr int64_t kBlock = 4;

  void make(int32_t blocks, int64_t max_sequences, int64_t max_batch_tokens, bool prefix_cache = false,
            double prefill_stretch = 0.0) {
    pool_ = std::make_unique<BlockPool>(blocks);
    SchedulerOptions options;
    options.max_sequences = max_sequences;
    options.max_batch_tokens = max_batch_tokens;
    options.block_size = kBlock;
    options.prefix_cache = prefix_cache;
    options.prefill_stretch = prefill_stretch;
    scheduler_ = std::make_unique<Scheduler>(options, *pool_);
  }

  ScheduledSequence& add(int64_t prompt, int32_t first_token = 0) {
    auto sequence = std::make_unique<ScheduledSequence>();
    sequence->id = static_cast<int64_t>(sequences_.size());
    for (int64_t i = 0; i < prompt; ++i) sequence->tokens.push_back(first_token + static_cast<int32_t>(i));
    sequence->prompt_length = prompt;
    sequence->max_length = 1000;
    sequences_.push_back(std::move(sequence));
    scheduler_->add(sequences_.back().get());
    return *sequences_.back();
  }

  /// Runs a step, and gives each computed sequence its next token; the counts, by sequence's id.
  std::vector<int64_t> step() {
    const std::vector<StepPart> parts = scheduler_->next_step();
    std::vector<int64_t> counts(sequences_.size(), 0);
    for (const StepPart& part : parts) counts.at(static_cast<size_t>(part.sequence->id)) = part.count;
    scheduler_->done(parts, 0.001);
    for (const StepPart& part : parts) {
      if (part.sequence->missing() == 0) part.sequence->tokens.push_back(7);
    }
    return counts;
  }

  std::unique_ptr<BlockPool> pool_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<ScheduledSequence>> sequences_;
};

TEST_F(SchedulerTest, PrefillsWholePromptsThatFit) {
  make(100, 4, 100);
  add(5);
  add(7);
  EXPECT_THAT(step(), ElementsAre(5, 7));
}

TEST_F(SchedulerTest, CutsThePromptThatDoesNotFitAndGoesOnThere) {
  make(100, 4, 8);
  add(5);
  add(7);
  EXPECT_THAT(step(), ElementsAre(5, 3));
  EXPECT_THAT(step(), ElementsAre(1, 4));
}

TEST_F(SchedulerTest, NeverLeavesOutADecode) {
  make(100, 4, 1);
  add(1);
  add(1);
  step();
  step();
  add(50);
  EXPECT_THAT(step(), ElementsAre(1, 1, 0));
}

TEST_F(SchedulerTest, PacesPromptsThatCameLaterThanAnothersFirstToken) {
  make(1000, 8, 100, false, 1.5);
  add(10);
  step();
  step();
  add(90);
  // As careful as the pacer is before it has learnt: 16 tokens, the decode among them.
  EXPECT_THAT(step(), ElementsAre(1, 15));
}

TEST_F(SchedulerTest, DoesNotPaceWhatCameTogether) {
  make(1000, 8, 100, false, 1.5);
  add(60);
  add(90);
  add(90);
  EXPECT_THAT(step(), ElementsAre(60, 40, 0));
  // While the step of the first token ran, another one came.
  add(50);
  EXPECT_THAT(step(), ElementsAre(1, 50, 49, 0));
  // This one is late, and must not hold the others up; they leave less than its share.
  add(80);
  EXPECT_THAT(step(), ElementsAre(1, 1, 41, 50, 0));
  EXPECT_THAT(step(), ElementsAre(1, 1, 1, 1, 12));
}

TEST_F(SchedulerTest, LetsNoMoreRunThanPlaces) {
  make(100, 2, 100);
  add(1);
  add(1);
  add(1);
  EXPECT_THAT(step(), ElementsAre(1, 1, 0));
  scheduler_->remove(sequences_[0].get());
  EXPECT_THAT(step(), ElementsAre(0, 1, 1));
}

TEST_F(SchedulerTest, KeepsPlacesForAllThatASequenceMayBecome) {
  make(100, 3, 100);
  add(1).places = 1;
  auto& wide = add(2);
  wide.places = 3;
  EXPECT_THAT(step(), ElementsAre(1, 0));
}

TEST_F(SchedulerTest, PreemptsTheYoungestWhenBlocksRunOut) {
  make(4, 2, 100);
  add(7);
  add(3);
  EXPECT_THAT(step(), ElementsAre(7, 3));
  for (int i = 0; i < 5; ++i) step();
  EXPECT_THAT(step(), ElementsAre(1, 0));
  EXPECT_EQ(scheduler_->stats().preemptions, 1);
  EXPECT_EQ(sequences_[1]->computed, 0);
  EXPECT_EQ(scheduler_->waiting(), 1U);
}

TEST_F(SchedulerTest, ComputesThePreemptedAgainBeforeAnythingNew) {
  make(4, 2, 100);
  add(7);
  add(3);
  while (scheduler_->stats().preemptions == 0) step();
  const int64_t tokens = sequences_[1]->length();
  add(1);
  scheduler_->remove(sequences_[0].get());
  EXPECT_EQ(step()[1], tokens);
}

TEST_F(SchedulerTest, GivesEveryBlockBack) {
  make(6, 3, 100);
  add(7);
  add(3);
  add(2);
  for (int i = 0; i < 12; ++i) step();
  for (const auto& sequence : sequences_) scheduler_->remove(sequence.get());
  EXPECT_EQ(pool_->free(), 6);
}

TEST_F(SchedulerTest, FindsThePrefixOfAPromptThatRanBefore) {
  make(20, 2, 100, true);
  add(10);
  EXPECT_THAT(step(), ElementsAre(10));
  add(10);
  EXPECT_THAT(step(), ElementsAre(1, 2));
  EXPECT_EQ(sequences_[1]->cached, 8);
  EXPECT_EQ(scheduler_->stats().prefix_hits, 8);
  EXPECT_EQ(sequences_[0]->blocks.blocks[1], sequences_[1]->blocks.blocks[1]);
}

TEST_F(SchedulerTest, AlwaysComputesAPromptsLastToken) {
  make(20, 2, 100, true);
  add(8);
  step();
  add(8);
  EXPECT_THAT(step(), ElementsAre(1, 4));
}

TEST_F(SchedulerTest, TakesNoPrefixOfAnotherText) {
  make(20, 2, 100, true);
  add(10, 0);
  step();
  add(10, 1);
  EXPECT_THAT(step(), ElementsAre(1, 10));
}

TEST_F(SchedulerTest, ForkSharesFullBlocksAndCopiesTheLast) {
  make(20, 4, 100);
  ScheduledSequence& parent = add(6);
  const std::vector<StepPart> parts = scheduler_->next_step();
  scheduler_->done(parts, 0.001);
  ScheduledSequence child = parent;
  child.id = 9;
  child.blocks = {};
  const auto copy = scheduler_->fork(parent, &child);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->from, parent.blocks.blocks[1]);
  EXPECT_EQ(copy->to, child.blocks.blocks[1]);
  EXPECT_EQ(child.blocks.blocks[0], parent.blocks.blocks[0]);
  scheduler_->remove(&child);
  scheduler_->remove(&parent);
  EXPECT_EQ(pool_->free(), 20);
}

TEST_F(SchedulerTest, AForkRunsBesideItsParentBeforeWhatCameLater) {
  make(20, 4, 100);
  ScheduledSequence& parent = add(6);
  ScheduledSequence& later = add(6);
  later.id = 20;
  scheduler_->done(scheduler_->next_step(), 0.001);
  ScheduledSequence child = parent;
  child.id = 9;
  child.blocks = {};
  scheduler_->fork(parent, &child);
  EXPECT_THAT(scheduler_->running(), ElementsAre(&parent, &child, &later));
  scheduler_->remove(&child);
}

TEST_F(SchedulerTest, AForkThatFindsNoBlockWaits) {
  make(2, 4, 100);
  ScheduledSequence& parent = add(6);
  scheduler_->done(scheduler_->next_step(), 0.001);
  ScheduledSequence child = parent;
  child.id = 9;
  child.blocks = {};
  EXPECT_FALSE(scheduler_->fork(parent, &child).has_value());
  EXPECT_EQ(child.computed, 0);
  EXPECT_EQ(scheduler_->waiting(), 1U);
  scheduler_->remove(&child);
}

TEST_F(SchedulerTest, PlansForOthersWhereAllThatWasPlannedForGaveWay) {
  make(3, 4, 100);
  ScheduledSequence& first = add(3);
  ScheduledSequence& last = add(8);
  last.id = 9;
  scheduler_->done(scheduler_->next_step(), 0.001);
  // A fork of the first waits for a block, the first, like a beam, for its fork; the last, the youngest,
  // needs a block more.
  ScheduledSequence child = first;
  child.id = 5;
  child.blocks = {};
  ASSERT_FALSE(scheduler_->fork(first, &child).has_value());
  last.tokens.push_back(7);
  const std::vector<StepPart> parts = scheduler_->next_step();
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].sequence, &child);
  EXPECT_EQ(parts[0].count, 3);
  EXPECT_EQ(last.computed, 0);
  scheduler_->remove(&child);
}

TEST_F(SchedulerTest, ComputesOutputAgainTokenByTokenWhereKeysDependOnTheLength) {
  make(100, 4, 100);
  ScheduledSequence& sequence = add(5);
  sequence.one_by_one = true;
  for (int i = 0; i < 3; ++i) step();
  sequence.blocks.clear(*pool_);
  sequence.computed = 0;
  EXPECT_THAT(step(), ElementsAre(5));
  EXPECT_THAT(step(), ElementsAre(1));
}

}  // namespace
}  // namespace caravan
