// What the server counts, from what happened.
#include "serve/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace caravan::serve {
namespace {

using testing::ElementsAre;

ServerMetrics metrics() { return {"demo", "0.1.0", 2048}; }

TEST(Histogram, PutsABoundsOwnValueBelowIt) {
  const std::array<double, 2> bounds = {1.0, 2.0};
  Histogram histogram(bounds);
  for (const double value : {0.5, 1.0, 1.5, 7.0}) histogram.observe(value);
  EXPECT_THAT(histogram.counts(), ElementsAre(2, 1, 1));
  EXPECT_EQ(histogram.count(), 4);
  EXPECT_DOUBLE_EQ(histogram.sum(), 10.0);
}

TEST(Histogram, CountsTokensInBucketsUpToTheContext) {
  EXPECT_THAT(one_two_five(50), ElementsAre(1, 2, 5, 10, 20, 50));
  EXPECT_THAT(one_two_five(49), ElementsAre(1, 2, 5, 10, 20));
  EXPECT_TRUE(one_two_five(0).empty());
}

TEST(RecentValues, ForgetTheOldestBeyondAThousand) {
  RecentValues recent;
  for (int i = 0; i < 1002; ++i) recent.add(i);
  EXPECT_EQ(recent.values().size(), RecentValues::kKept);
  EXPECT_THAT(recent.values(), testing::Not(testing::Contains(1.0)));
  EXPECT_THAT(recent.values(), testing::Contains(1001.0));
}

TEST(ServerMetrics, SplitARequestsTimeIntoQueuePrefillAndDecode) {
  ServerMetrics counted = metrics();
  counted.request_finished({.reason = FinishedReason::kLength,
                            .prompt_tokens = 10,
                            .output_tokens = 5,
                            .max_output = 5,
                            .queue_seconds = 1.0,
                            .first_token_seconds = 3.0,
                            .total_seconds = 11.0});
  EXPECT_DOUBLE_EQ(counted.queue_seconds.sum(), 1.0);
  EXPECT_DOUBLE_EQ(counted.prefill_seconds.sum(), 2.0);
  EXPECT_DOUBLE_EQ(counted.decode_seconds.sum(), 8.0);
  EXPECT_DOUBLE_EQ(counted.inference_seconds.sum(), 10.0);
  EXPECT_DOUBLE_EQ(counted.time_per_output_token.sum(), 2.0) << "8 s for the 4 tokens after the first";
  EXPECT_THAT(counted.finished, ElementsAre(0, 1, 0, 0));
}

TEST(ServerMetrics, CandidatesOfARequestDecodeSideBySide) {
  ServerMetrics counted = metrics();
  counted.request_finished(
      {.output_tokens = 10, .candidates = 2, .first_token_seconds = 0.0, .total_seconds = 8.0});
  EXPECT_DOUBLE_EQ(counted.time_per_output_token.sum(), 2.0) << "5 tokens each";
}

TEST(ServerMetrics, ARequestThatEndedInTheQueueHasNoPrefillOrDecodeTime) {
  ServerMetrics counted = metrics();
  counted.request_finished({.reason = FinishedReason::kAbort, .queue_seconds = 2.0, .total_seconds = 2.0});
  EXPECT_EQ(counted.request_seconds.count(), 1);
  EXPECT_EQ(counted.prefill_seconds.count(), 0);
  EXPECT_EQ(counted.decode_seconds.count(), 0);
  EXPECT_EQ(counted.time_per_output_token.count(), 0);
}

TEST(ServerMetrics, ARequestOfOneTokenHasNoTimePerOutputToken) {
  ServerMetrics counted = metrics();
  counted.request_finished({.output_tokens = 1, .first_token_seconds = 1.0, .total_seconds = 1.0});
  EXPECT_EQ(counted.decode_seconds.count(), 1);
  EXPECT_EQ(counted.time_per_output_token.count(), 0);
}

TEST(ServerMetrics, StepsAddTheirTokensAndMasksOnlyWhereThereWereAny) {
  ServerMetrics counted = metrics();
  counted.step({.prompt_tokens = 100, .generated_tokens = 3, .seconds = 0.02});
  counted.step({.generated_tokens = 4, .seconds = 0.01, .guided_mask_seconds = 0.001, .guided_sequences = 1});
  EXPECT_EQ(counted.computed_prompt_tokens, 100);
  EXPECT_EQ(counted.generated_tokens, 7);
  EXPECT_DOUBLE_EQ(counted.step_tokens.sum(), 107.0);
  EXPECT_EQ(counted.guided_mask_seconds.count(), 1);
}

TEST(EngineFigures, WithoutAPagedCacheNothingOfItIsUsed) {
  EXPECT_EQ(EngineFigures{}.kv_usage(), 0.0);
  EXPECT_EQ((EngineFigures{.used_blocks = 1, .total_blocks = 4}).kv_usage(), 0.25);
}

TEST(ProcessFigures, AreThoseOfThisProcess) {
  const ProcessFigures figures = read_process_figures();
  EXPECT_GT(figures.resident_bytes, 1U << 20U);
  EXPECT_GE(figures.virtual_bytes, figures.resident_bytes);
  EXPECT_GE(figures.open_descriptors, 3);
  EXPECT_GE(figures.threads, 1);
  // The kernel counts the start in ticks of 10 ms from a whole second.
  EXPECT_LT(figures.start_seconds, figures.now_seconds + 2.0);
  EXPECT_GT(figures.start_seconds, figures.now_seconds - 3600.0);
}

TEST(ThreadCpuSeconds, CountsThisThreadsWorkOnly) {
  const double start = thread_cpu_seconds();
  std::thread([] {
    while (thread_cpu_seconds() < 0.02) {
    }
  }).join();
  const double waited = thread_cpu_seconds() - start;
  EXPECT_LT(waited, 0.02);
  while (thread_cpu_seconds() - start < waited + 0.02) {
  }
}

}  // namespace
}  // namespace caravan::serve
