#include "sampling/token_mask.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>

namespace caravan {
namespace {

TEST(TokenMask, CopiesWhatItAllows) {
  std::mt19937_64 random(3);
  for (const size_t vocab : {1U, 63U, 64U, 65U, 200U}) {
    // Sparse, dense, full and empty words.
    std::vector<uint64_t> allowed(mask_words(vocab));
    for (int trial = 0; trial < 50; ++trial) {
      for (uint64_t& word : allowed) {
        const std::array<uint64_t, 3> bits = {random(), random(), random()};
        const std::array<uint64_t, 4> kinds = {0, ~uint64_t{0}, bits[0] & bits[1] & bits[2],
                                               bits[0] | bits[1] | bits[2]};
        word = kinds[random() % kinds.size()];
      }
      allowed[0] |= 1;
      const std::vector<float> logits(vocab, 7.0F);
      std::vector<float> out(vocab, 1.0F);
      copy_allowed(logits, allowed, out);
      for (size_t token = 0; token < vocab; ++token) {
        const bool is_set = (allowed[token / 64] >> (token % 64) & 1U) != 0;
        EXPECT_EQ(out[token], is_set ? 7.0F : -std::numeric_limits<float>::infinity());
        EXPECT_EQ(is_allowed(allowed, token), is_set);
      }
    }
  }
}

TEST(TokenMask, AllowsAllWhenEmpty) { EXPECT_TRUE(is_allowed({}, 1000)); }

TEST(TokenMaskDeathTest, HoldsAMaskThatIsTooShortForABug) {
  const std::vector<float> logits(65, 0.0F);
  const std::vector<uint64_t> allowed = {1};
  std::vector<float> out(65);
  EXPECT_DEATH(copy_allowed(logits, allowed, out), "mask_words");
}

}  // namespace
}  // namespace caravan
