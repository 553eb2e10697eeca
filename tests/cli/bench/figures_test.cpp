// Figures and limits, against arithmetic by hand.
#include "cli/bench/figures.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/builder.h"

namespace caravan::cli {
namespace {

/// A norm and a head of vocabulary 10 above an embedding of 4, in fp32. A step reads a row of 16 bytes for
/// each token, 16 of the norm and 160 of the head, which does 80 operations for each sequence.
Graph head_only() {
  GraphBuilder graph({});
  const ValueId x = graph.take_logit_rows(graph.embedding({"table"}, 10, 4));
  return graph.finish(graph.linear(graph.rms_norm(x, "norm", 1e-5), {"head"}, 10));
}

/// A head of 160 bytes above one attention of one head of 4 elements, whose q, k and v are a tied table's
/// rows: each key and its value have 32 bytes.
Graph with_attention() {
  GraphBuilder graph({});
  const ValueId x = graph.embedding({"table"}, 10, 4);
  const ValueId mixed = graph.attention(x, x, x, {.head_dim = 4, .kv_heads = 1});
  return graph.finish(graph.linear(graph.take_logit_rows(mixed), {"table"}, 10));
}

/// Two runs of two sequences of three tokens that generate three: two decode steps each.
BenchRuns two_runs() {
  BenchRuns runs;
  runs.prefill_seconds = {0.5, 0.3};
  runs.total_seconds = {0.6, 0.4};
  runs.decode_seconds = {0.04, 0.01, 0.02, 0.03};
  runs.first_decoded = {3, 3};
  runs.weight_bytes = 300;
  runs.kv_bytes = 500;
  runs.peak_bytes = 1000;
  return runs;
}

BenchCase two_sequences() {
  BenchCase at;
  at.batch = 2;
  at.input = 3;
  at.output = 3;
  return at;
}

TEST(Figures, AreOfThePrefillsMedian) {
  const BenchFigures figures = figures_of(two_sequences(), two_runs(), head_only(), {208.0, 16.0});
  EXPECT_DOUBLE_EQ(figures.prefill_ms, 400.0);
  EXPECT_DOUBLE_EQ(figures.prefill_tokens_per_second, 2 * 3 / 0.4);
}

TEST(Figures, AreOfEveryDecodeStep) {
  const BenchFigures figures = figures_of(two_sequences(), two_runs(), head_only(), {208.0, 16.0});
  ASSERT_TRUE(figures.decode.has_value());
  EXPECT_DOUBLE_EQ(figures.decode->mean_ms, 25.0);
  EXPECT_DOUBLE_EQ(figures.decode->median_ms, 25.0);
  EXPECT_DOUBLE_EQ(figures.decode->p90_ms, 37.0);
  EXPECT_DOUBLE_EQ(figures.decode->p99_ms, 39.7);
  EXPECT_DOUBLE_EQ(figures.decode->tokens_per_second(2), 80.0);
}

TEST(Figures, HaveNoDecodeWhereNoStepDecodedEverySequence) {
  BenchRuns runs = two_runs();
  runs.decode_seconds.clear();
  EXPECT_FALSE(figures_of(two_sequences(), runs, head_only(), {208.0, 16.0}).decode.has_value());
}

TEST(Figures, CountAsOtherWhatIsNeitherWeightsNorCache) {
  BenchRuns runs = two_runs();
  EXPECT_EQ(figures_of(two_sequences(), runs, head_only(), {1.0, {}}).other_bytes(), 200U);
  runs.peak_bytes = 700;  // pages of mapped weights that were given back
  EXPECT_EQ(figures_of(two_sequences(), runs, head_only(), {1.0, {}}).other_bytes(), 0U);
  runs.peak_bytes.reset();
  EXPECT_FALSE(figures_of(two_sequences(), runs, head_only(), {1.0, {}}).other_bytes().has_value());
}

TEST(Limits, OfAPrefillAreItsArithmeticAtThePeak) {
  // The head's 80 operations of each sequence.
  const BenchFigures figures = figures_of(two_sequences(), two_runs(), head_only(), {208.0, 16.0});
  ASSERT_TRUE(figures.prefill_limit_ms.has_value());
  EXPECT_DOUBLE_EQ(*figures.prefill_limit_ms, 1e3 * 2 * 80 / 16.0);
}

TEST(Limits, OfADecodeStepAreTheReadingOrTheArithmeticOfEachOp) {
  // 2 * 16 bytes of the table, 16 of the norm and 160 of the head make a second at 208 bytes/s.
  const auto limit_ms = [](const BenchLimits& limits) {
    return figures_of(two_sequences(), two_runs(), head_only(), limits).decode.value().limit_ms;
  };
  EXPECT_DOUBLE_EQ(limit_ms({208.0, 1e9}), 1e3);
  // With 16 operations/s the head takes ten seconds, and what is read elsewhere adds to it.
  EXPECT_DOUBLE_EQ(limit_ms({208.0, 16.0}), 1e3 * (48.0 / 208.0 + 10.0));
}

TEST(Limits, WithoutAPeakAreOfReadingAlone) {
  const BenchFigures figures = figures_of(two_sequences(), two_runs(), head_only(), {208.0, {}});
  EXPECT_FALSE(figures.prefill_limit_ms.has_value());
  EXPECT_DOUBLE_EQ(figures.decode.value().limit_ms, 1e3);
}

TEST(Limits, GrowWithTheKeysOfEachStep) {
  // Tokens 3 and then 4 of two sequences: 4 and 5 keys each.
  const BenchFigures figures = figures_of(two_sequences(), two_runs(), with_attention(), {1.0, {}});
  EXPECT_DOUBLE_EQ(figures.decode.value().limit_ms, 1e3 * (160.0 + 2 * 32 * (4 + 5) / 2.0));
}

TEST(DecodeBytes, AreThoseInTheMiddleOfTheOutput) {
  BenchCase at = two_sequences();
  at.input = 5;
  at.output = 8;
  // Token 4 + 8 / 2, which attends to nine keys.
  EXPECT_EQ(decode_bytes(at, with_attention()), 160U + 2U * 9 * 32);
}

TEST(TestFigures, OfAPromptAreItsTokensOverItsTime) {
  BenchCase at;
  at.test = "pp3";
  at.input = 3;
  BenchRuns runs = two_runs();
  runs.total_seconds = {0.5, 0.3};
  const BenchFigures figures = figures_of(at, runs, head_only(), {208.0, 16.0});
  EXPECT_DOUBLE_EQ(figures.rate_mean, 8.0);
  EXPECT_DOUBLE_EQ(figures.rate_deviation, std::sqrt(8.0));
  ASSERT_TRUE(figures.limit_rate.has_value());
  EXPECT_DOUBLE_EQ(*figures.limit_rate, 3 / (80 / 16.0));
  EXPECT_FALSE(figures.decode.has_value());
  EXPECT_FALSE(figures_of(at, runs, head_only(), {208.0, {}}).limit_rate.has_value());
}

TEST(TestFigures, OfGenerationCountTheTokenOfThePrefillToo) {
  BenchCase at;
  at.test = "tg3";
  at.output = 3;
  BenchRuns runs = two_runs();
  runs.total_seconds = {0.5, 0.3};
  const BenchFigures figures = figures_of(at, runs, with_attention(), {1.0, {}});
  EXPECT_DOUBLE_EQ(figures.rate_mean, 8.0);
  // 1, 2 and 3 keys.
  ASSERT_TRUE(figures.limit_rate.has_value());
  EXPECT_DOUBLE_EQ(*figures.limit_rate, 1.0 / (160.0 + 32 * 2));
}

}  // namespace
}  // namespace caravan::cli
