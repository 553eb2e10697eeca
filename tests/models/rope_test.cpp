#include "models/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/paths.h"

namespace caravan {
namespace {

TEST(RopeFrequencies, FallGeometricallyFromOne) {
  const std::vector<float> plain = rope_frequencies({.theta = 10000.0}, 8, 100);
  ASSERT_EQ(plain.size(), 4U);
  EXPECT_FLOAT_EQ(plain[0], 1.0F);
  EXPECT_FLOAT_EQ(plain[1], 0.1F);
  EXPECT_FLOAT_EQ(plain[2], 0.01F);
  EXPECT_FLOAT_EQ(plain[3], 0.001F);
}

TEST(RopeFrequencies, LinearDividesAll) {
  const std::vector<float> scaled = rope_frequencies({.scaling = RopeScaling::kLinear, .factor = 4.0}, 8, 1);
  EXPECT_FLOAT_EQ(scaled[0], 0.25F);
  EXPECT_FLOAT_EQ(scaled[3], 0.00025F);
}

TEST(RopeFrequencies, DynamicLeavesTheTrainedContextAlone) {
  const RopeConfig config = {.scaling = RopeScaling::kDynamic, .factor = 2.0, .original_max_position = 64};
  EXPECT_EQ(rope_frequencies(config, 8, 64), rope_frequencies({}, 8, 64));
  EXPECT_EQ(rope_frequencies(config, 8, 1), rope_frequencies({}, 8, 64));
}

TEST(RopeFrequencies, DynamicSlowsDownWithLength) {
  const RopeConfig config = {.scaling = RopeScaling::kDynamic, .factor = 2.0, .original_max_position = 64};
  const std::vector<float> longer = rope_frequencies(config, 8, 128);
  // theta grows by (2 * 128 / 64 - 1)^(8 / 6) = 3^(4/3), and the slowest pair turns by theta^(-6/8): a third
  // as far.
  EXPECT_FLOAT_EQ(longer[0], 1.0F);
  EXPECT_NEAR(longer[3], 0.001 / 3.0, 1e-9);
}

TEST(RopeFrequencies, Llama3KeepsFastPairsAndDividesSlowOnes) {
  const RopeConfig config = {.theta = 500000.0,
                             .scaling = RopeScaling::kLlama3,
                             .factor = 8.0,
                             .original_max_position = 8192,
                             .low_freq_factor = 1.0,
                             .high_freq_factor = 4.0};
  const std::vector<float> plain = rope_frequencies({.theta = 500000.0}, 128, 1);
  const std::vector<float> scaled = rope_frequencies(config, 128, 1);
  EXPECT_EQ(scaled[0], plain[0]);
  EXPECT_FLOAT_EQ(scaled[63], plain[63] / 8.0F);
  for (size_t pair = 0; pair < plain.size(); ++pair) {
    EXPECT_LE(scaled[pair], plain[pair]);
    EXPECT_GE(scaled[pair] * 8.0F, plain[pair] * 0.999999F);
  }
}

TEST(RopeFrequencies, YarnRampsFromKeptToDivided) {
  const RopeConfig config = {.scaling = RopeScaling::kYarn, .factor = 4.0, .original_max_position = 4096};
  const std::vector<float> plain = rope_frequencies({}, 128, 1);
  const std::vector<float> scaled = rope_frequencies(config, 128, 1);
  EXPECT_FLOAT_EQ(scaled[0], plain[0]);
  EXPECT_FLOAT_EQ(scaled[63], plain[63] / 4.0F);
  for (size_t pair = 1; pair < plain.size(); ++pair) {
    EXPECT_LE(scaled[pair] / plain[pair], scaled[pair - 1] / plain[pair - 1] * 1.000001F);
  }
}

/// What llama.cpp's converter made of a llama3 scaling, with a pair in each of its three ranges.
TEST(RopeFrequencies, DivisorsOfAGgufFileDoWhatLlama3Does) {
  const ModelConfig folder = load_config(test::fixture("models/rope_llama3"));
  const ModelConfig gguf = load_config(test::fixture("gguf/rope_llama3.gguf"));
  ASSERT_EQ(gguf.rope.scaling, RopeScaling::kDivisors);
  const std::vector<float> expected = rope_frequencies(folder.rope, folder.head_dim, 1);
  const std::vector<float> found = rope_frequencies(gguf.rope, gguf.head_dim, 1);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_FLOAT_EQ(found[i], expected[i]) << "pair " << i;
}

}  // namespace
}  // namespace caravan
