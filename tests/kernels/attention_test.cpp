// Attention of every ISA level that this CPU has over long contexts: tiles of 64 keys, chunks of 512, and
// lanes that share them. The reference accumulates in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "device/thread_team.h"
#include "kernels/op_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::attention_bound;
using test::AttentionCase;
using test::run_lanes;
using test::values_of;

struct DTypes {
  DType cache;
  DType y;
};
constexpr DTypes kDTypes[] = {{DType::kF32, DType::kF32},  {DType::kF16, DType::kF32},
                              {DType::kBF16, DType::kF32}, {DType::kBF16, DType::kBF16},
                              {DType::kI8, DType::kF32},   {DType::kI8, DType::kBF16}};

class LongAttention : public testing::Test {
 protected:
  void SetUp() override {
    for (const IsaLevel level : available_levels(cpu_features())) {
      if (level != IsaLevel::kPortable) levels_.push_back(level);
    }
    if (levels_.empty()) GTEST_SKIP() << "this build or CPU has the portable level only";
  }
  std::vector<IsaLevel> levels_;
};

/// The reference's result; fills the cache.
std::vector<double> expected_of(AttentionCase& sample) {
  const KernelTable reference = select_kernels(IsaLevel::kPortable);
  run_lanes(reference.kv_write, sample.write_args(), 1);
  run_lanes(reference.attention, sample.args(), 1);
  return values_of(sample.y_tensor);
}

std::vector<double> result_of(const KernelTable& table, AttentionCase& sample, int lanes) {
  std::memset(sample.y_tensor.view().data, 0xFF, sample.y_tensor.view().bytes());
  run_lanes(table.attention, sample.args(), lanes);
  return values_of(sample.y_tensor);
}

/// The largest difference; fails where only one is NaN.
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(std::isnan(a[i]), std::isnan(b[i])) << i;
    if (!std::isnan(a[i])) largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

TEST_F(LongAttention, IsCloseToTheReferenceForEveryShapeOfHeads) {
  const std::vector<AttentionCase::Shape4> shapes = {{2, 1, 1, 16},   {3, 3, 16, 16},   {7, 1, 20, 5},
                                                     {16, 2, 64, 16}, {5, 5, 64, 2048}, {14, 2, 80, 64},
                                                     {4, 4, 128, 16}, {8, 1, 128, 32},  {2, 2, 256, 48}};
  // Ends of tiles and of chunks, and one to each side; as many queries as make runs of several kinds.
  const std::vector<AttentionCase::Sequence> sequences = {{1, 1},   {63, 2},    {64, 1},  {65, 1},
                                                          {131, 9}, {513, 129}, {512, 1}, {1031, 5}};
  unsigned seed = 1;
  for (const AttentionCase::Shape4& shape : shapes) {
    for (const int64_t window : {0, 3, 640}) {
      for (const DTypes& dtypes : kDTypes) {
        if (!test::can_have_blocks_of(dtypes.cache, shape.block_size)) continue;
        AttentionCase sample(dtypes.cache, dtypes.y, sequences, shape, window, seed++);
        const std::vector<double> expected = expected_of(sample);
        for (const IsaLevel level : levels_) {
          const std::vector<double> found = result_of(select_kernels(level), sample, 1);
          ASSERT_LT(difference(found, expected), attention_bound(dtypes.y))
              << name_of(level) << ' ' << name_of(dtypes.cache) << ' ' << shape.heads << ':' << shape.kv_heads
              << 'x' << shape.head_dim << " window " << window;
        }
        if (window != 0 && shape.head_dim > 64) break;  // one dtype will do
      }
    }
  }
}

/// Two sequences that are decoded, one of which is much the longer, and a short prompt.
AttentionCase shared_case(const DTypes& dtypes, int64_t kv_heads, int64_t window) {
  return {dtypes.cache, dtypes.y, {{1700, 1}, {40, 40}, {600, 1}}, {6, kv_heads, 24, 16}, window, 7};
}

Tensor scratch_for(const AttentionArgs& args, int64_t context, int lanes) {
  const int64_t head_dim = args.k_cache.shape[3];
  return {DType::kF32,
          {attention_scratch_elements(args.q.shape[0], args.q.shape[1] / head_dim, args.k_cache.shape[1],
                                      head_dim, context, lanes)}};
}

bool all_zero(const Tensor& scratch, int64_t begin, int64_t end) {
  const auto* words = static_cast<const uint32_t*>(scratch.view().data);
  return std::all_of(words + begin, words + end, [](uint32_t word) { return word == 0; });
}

TEST_F(LongAttention, GivesTheSameBitsForAnyNumberOfLanesWithAndWithoutScratch) {
  for (const IsaLevel level : levels_) {
    const KernelTable table = select_kernels(level);
    for (const DTypes& dtypes : kDTypes) {
      for (const int64_t kv_heads : {1, 3, 6}) {
        for (const int64_t window : {0, 700}) {
          AttentionCase sample = shared_case(dtypes, kv_heads, window);
          const std::vector<double> reference = expected_of(sample);
          const std::vector<double> expected = result_of(table, sample, 1);
          ASSERT_LT(difference(reference, expected), attention_bound(dtypes.y));
          for (int lanes = 1; lanes <= 5; ++lanes) {
            ASSERT_EQ(result_of(table, sample, lanes), expected)
                << name_of(level) << ' ' << lanes << " lanes";
            AttentionArgs args = sample.args();
            const Tensor scratch = scratch_for(args, 1700, lanes);
            args.scratch = scratch.view();
            std::memset(args.y.data, 0xFF, args.y.bytes());
            run_lanes(table.attention, args, lanes);
            ASSERT_EQ(values_of(sample.y_tensor), expected)
                << name_of(level) << ' ' << lanes << " lanes that share, " << kv_heads << " KV heads, window "
                << window;
          }
        }
      }
    }
  }
}

TEST_F(LongAttention, SharesALongContextWhereThereIsScratchAndLeavesTheCountersZero) {
  const KernelTable table = select_kernels(levels_.back());
  AttentionCase sample = shared_case(kDTypes[0], 3, 0);
  expected_of(sample);
  AttentionArgs args = sample.args();
  const int64_t counters = attention_counters(args.q.shape[0], 3);
  const Tensor enough = scratch_for(args, 1700, 4);
  args.scratch = enough.view();
  for (int step = 0; step < 2; ++step) {
    run_lanes(table.attention, args, 4);
    EXPECT_TRUE(all_zero(enough, 0, counters));
    EXPECT_FALSE(all_zero(enough, counters, enough.shape()[0]));
  }
  const Tensor small(DType::kF32, {counters + 1000});
  args.scratch = small.view();
  run_lanes(table.attention, args, 4);
  EXPECT_TRUE(all_zero(small, 0, counters + 1000));
}

TEST_F(LongAttention, MergesTheChunksOfAContextOnceWhicheverThreadsFinishThem) {
  const KernelTable table = select_kernels(levels_.back());
  AttentionCase sample = shared_case(kDTypes[0], 3, 0);
  expected_of(sample);
  const std::vector<double> expected = result_of(table, sample, 1);
  AttentionArgs args = sample.args();
  ThreadTeam team(3);
  const Tensor scratch = scratch_for(args, 1700, team.size());
  args.scratch = scratch.view();
  for (int step = 0; step < 200; ++step) {
    std::memset(args.y.data, 0xFF, args.y.bytes());
    std::atomic<int64_t> tickets = 0;
    team.run([&](Lane lane) {
      table.attention.at(DType::kF32).run(args, {lane.index, lane.count, &tickets});
    });
    ASSERT_EQ(values_of(sample.y_tensor), expected) << "step " << step;
  }
}

TEST_F(LongAttention, GivesARowTheSameBitsAloneAndInAPrompt) {
  for (const IsaLevel level : levels_) {
    const KernelTable table = select_kernels(level);
    for (const DTypes& dtypes : kDTypes) {
      for (const auto& [kv_heads, head_dim] :
           {std::pair<int64_t, int64_t>{1, 40}, {4, 40}, {4, 64}, {4, 128}}) {
        AttentionCase prompt(dtypes.cache, dtypes.y, {{600, 600}}, {4, kv_heads, head_dim, 16}, 0, 11);
        expected_of(prompt);
        result_of(table, prompt, 1);
        const Tensor y(dtypes.y, {1, 4 * head_dim});
        const size_t bytes = y.view().bytes();
        for (const int64_t row : {0, 1, 62, 63, 64, 127, 300, 511, 512, 599}) {
          run_lanes(table.attention, test::one_query(prompt.args(), row, y), 2);
          const char* expected =
              static_cast<const char*>(prompt.y_tensor.view().data) + static_cast<size_t>(row) * bytes;
          ASSERT_EQ(std::memcmp(expected, y.view().data, bytes), 0)
              << name_of(level) << ' ' << name_of(dtypes.cache) << " row " << row << " of " << kv_heads
              << " KV heads of " << head_dim;
        }
      }
    }
  }
}

TEST_F(LongAttention, FindsTheKeysOfSmallBlocksWhereverTheyLie) {
  // The first and the last of 16 keys are 15 rows apart, as they are in one block; those between lie
  // elsewhere.
  const int32_t order[] = {0, 2, 1, 3};
  for (const IsaLevel level : levels_) {
    for (const DType cache : {DType::kF32, DType::kBF16}) {
      AttentionCase sample(cache, DType::kF32, {{20, 1}}, {1, 1, 64, 5}, 0, 12);
      std::copy(std::begin(order), std::end(order), sample.table.as<int32_t>());
      const std::vector<double> expected = expected_of(sample);
      EXPECT_LT(difference(result_of(select_kernels(level), sample, 1), expected),
                attention_bound(DType::kF32))
          << name_of(level) << ' ' << name_of(cache);
    }
  }
}

TEST_F(LongAttention, ShowsAValueThatIsNotANumberToTheRowsThatAttendToItAndToNoOther) {
  constexpr int64_t kPosition = 70;
  constexpr int64_t kWindow = 50;
  for (const IsaLevel level : levels_) {
    for (const DType cache : {DType::kF32, DType::kBF16}) {
      for (const int64_t kv_heads : {1, 2}) {
        AttentionCase sample(cache, DType::kF32, {{200, 200}}, {2, kv_heads, 64, 256}, kWindow, 6);
        expected_of(sample);
        for (int64_t head = 0; head < kv_heads; ++head)
          test::put_nan(sample.v_cache, (head * 256 + kPosition) * 64);
        run_lanes(select_kernels(level).attention, sample.args(), 1);
        for (int64_t row = 0; row < 200; ++row) {
          const bool attends = row >= kPosition && row < kPosition + kWindow;
          EXPECT_EQ(std::isnan(sample.y_tensor.as<float>()[row * 128]), attends)
              << name_of(level) << ' ' << name_of(cache) << ' ' << row;
          EXPECT_FALSE(std::isnan(sample.y_tensor.as<float>()[row * 128 + 1]));
        }
      }
    }
  }
}

TEST_F(LongAttention, TakesScoresOfMinusInfinityForNoWeightUnlessThereAreNoOthers) {
  constexpr int64_t kLast = 520;  // all of the first chunk, and some of the second
  for (const IsaLevel level : levels_) {
    for (const int64_t kv_heads : {1, 2}) {
      AttentionCase sample(DType::kF32, DType::kF32, {{540, 540}}, {2, kv_heads, 4, 1024}, 0, 8);
      expected_of(sample);
      std::fill_n(sample.q.as<float>(), sample.q.shape().elements(), 1.0F);
      for (int64_t head = 0; head < kv_heads; ++head) {
        for (int64_t p = 0; p <= kLast; ++p)
          sample.k_cache.as<float>()[(head * 1024 + p) * 4] = -std::numeric_limits<float>::infinity();
      }
      run_lanes(select_kernels(IsaLevel::kPortable).attention, sample.args(), 1);
      const std::vector<double> expected = values_of(sample.y_tensor);
      const std::vector<double> found = result_of(select_kernels(level), sample, 1);
      EXPECT_LT(difference(found, expected), attention_bound(DType::kF32)) << name_of(level);
      EXPECT_TRUE(std::isnan(found.at(kLast * 8)));
      EXPECT_FALSE(std::isnan(found.at((kLast + 1) * 8)));
    }
  }
}

TEST(AttentionScratch, IsNoneWhereSharingCannotHelp) {
  EXPECT_EQ(attention_scratch_elements(8, 32, 4, 64, 4096, 1), 0);
  EXPECT_EQ(attention_scratch_elements(8, 32, 4, 64, 512, 8), 0);
  EXPECT_GT(attention_scratch_elements(8, 32, 4, 64, 513, 8), 0);
}

TEST(AttentionScratch, DoesNotGrowWithTokensThatKeepAllLanesBusyUnshared) {
  const int64_t counters = attention_counters(4096, 4) - attention_counters(2048, 4);
  EXPECT_EQ(attention_scratch_elements(4096, 32, 4, 64, 4096, 2) -
                attention_scratch_elements(2048, 32, 4, 64, 4096, 2),
            counters);
}

}  // namespace
}  // namespace caravan
