// Every kernel of every ISA level that this CPU has, against the reference kernels, which accumulate in
// double.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/op_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::AttentionCase;
using test::LinearCase;
using test::random_tensor;
using test::run_lanes;
using test::values_of;

const KernelTable& reference() {
  static const KernelTable kTable = select_kernels(IsaLevel::kPortable);
  return kTable;
}

/// The levels above the portable one.
std::vector<IsaLevel> fast_levels() {
  std::vector<IsaLevel> levels = available_levels(cpu_features());
  levels.erase(levels.begin());
  return levels;
}

/// The largest difference between two results.
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_FALSE(std::isnan(a[i])) << i;
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

bool same_bits(const Tensor& a, const Tensor& b, size_t from_byte, size_t bytes, size_t other_byte) {
  return std::memcmp(static_cast<const char*>(a.view().data) + from_byte,
                     static_cast<const char*>(b.view().data) + other_byte, bytes) == 0;
}

class Levels : public testing::Test {
 protected:
  void SetUp() override {
    if (fast_levels().empty()) GTEST_SKIP() << "this build or CPU has the portable level only";
  }
};

using Linear = Levels;

TEST_F(Linear, IsWithinFp32RoundingOfTheReference) {
  unsigned seed = 1;
  for (const IsaLevel level : fast_levels()) {
    const KernelTable table = select_kernels(level);
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (const int64_t tokens : {1, 2, 3, 5, 17, 37}) {
        for (const int64_t in : {1, 7, 16, 33, 515, 1031}) {
          for (const int64_t out : {1, 3, 8, 13, 67, 130}) {
            LinearCase sample(dtype, tokens, in, out, seed % 2 == 0, seed);
            ++seed;
            run_lanes(reference().linear, sample.args(), 1);
            const std::vector<double> expected = values_of(sample.y);
            run_lanes(table.linear, sample.args(), 1 + static_cast<int>(seed % 3));
            // Sums of `in` products of size 1 in at least 8 lanes: errors grow as a random walk; 8 is six
            // deviations.
            const double bound =
                8.0 * unit_roundoff(DType::kF32) * std::sqrt(static_cast<double>(in) + 1.0) * 4.0;
            ASSERT_LT(difference(values_of(sample.y), expected), bound)
                << name_of(level) << ' ' << name_of(dtype) << ' ' << tokens << 'x' << in << 'x' << out;
          }
        }
      }
    }
  }
}

TEST_F(Linear, GivesARowTheSameBitsInEveryBatchAndOnEveryLane) {
  for (const IsaLevel level : fast_levels()) {
    const KernelTable table = select_kernels(level);
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (const int64_t in : {515, 1031}) {
        constexpr int64_t kOut = 77;
        LinearCase all(dtype, 40, in, kOut, true, 9);
        run_lanes(table.linear, all.args(), 1);
        for (const int64_t tokens : {1, 2, 7, 16, 17, 23}) {
          const Tensor y(DType::kF32, {tokens, kOut});
          LinearArgs args = all.args();
          // The last rows of the batch of 40.
          const size_t skipped = static_cast<size_t>((40 - tokens) * in) * size_of(args.x.dtype);
          args.x = {static_cast<const char*>(args.x.data) + skipped, args.x.dtype, {tokens, in}};
          args.y = y.view();
          for (const int lanes : {1, 2, 3, 4}) {
            run_lanes(table.linear, args, lanes);
            const size_t bytes = static_cast<size_t>(tokens * kOut) * sizeof(float);
            const size_t start = static_cast<size_t>((40 - tokens) * kOut) * sizeof(float);
            ASSERT_TRUE(same_bits(all.y, y, start, bytes, 0))
                << name_of(level) << ' ' << name_of(dtype) << ' ' << tokens << " tokens, " << lanes
                << " lanes";
          }
        }
      }
    }
  }
}

/// Runs the write and the attention of `sample`.
std::vector<double> attend(const KernelTable& table, AttentionCase& sample, int lanes) {
  run_lanes(table.kv_write, sample.write_args(), lanes);
  run_lanes(table.attention, sample.args(), lanes);
  return values_of(sample.y_tensor);
}

using Attention = Levels;

TEST_F(Attention, IsCloseToTheReference) {
  const std::vector<AttentionCase::Shape4> shapes = {{6, 3, 10, 16},  {1, 1, 2, 5},   {8, 8, 64, 32},
                                                     {20, 1, 80, 16}, {9, 3, 6, 7},   {16, 2, 128, 48},
                                                     {2, 1, 256, 16}, {2, 1, 264, 16}};
  const std::vector<AttentionCase::Sequence> sequences = {{37, 37}, {1, 1}, {50, 3}, {16, 1}};
  unsigned seed = 100;
  for (const IsaLevel level : fast_levels()) {
    const KernelTable table = select_kernels(level);
    for (const auto& [cache, y] : {std::pair{DType::kF32, DType::kF32},
                                   {DType::kF16, DType::kF32},
                                   {DType::kBF16, DType::kF32},
                                   {DType::kBF16, DType::kBF16},
                                   {DType::kI8, DType::kF32},
                                   {DType::kI8, DType::kBF16}}) {
      for (const AttentionCase::Shape4& shape : shapes) {
        if (!test::can_have_blocks_of(cache, shape.block_size)) continue;
        for (const int64_t window : {0, 1, 8, 17}) {
          AttentionCase sample(cache, y, sequences, shape, window, seed);
          const std::vector<double> expected = attend(reference(), sample, 1);
          const std::vector<double> found = attend(table, sample, 1 + static_cast<int>(seed % 3));
          ++seed;
          ASSERT_LT(difference(found, expected), test::attention_bound(y))
              << name_of(level) << ' ' << name_of(cache) << " head_dim " << shape.head_dim << " window "
              << window;
        }
      }
    }
  }
}

/// A batch of two sequences, the first long enough for several tiles, the second with queries in its middle.
AttentionCase cut_case(DType cache, DType y, int64_t block_size, int64_t window) {
  return {cache, y, {{83, 83}, {40, 13}}, {6, 2, 24, block_size}, window, 5};
}

TEST_F(Attention, GivesTheSameBitsForEveryCutOfTheCacheAndOfTheQueries) {
  for (const IsaLevel level : fast_levels()) {
    const KernelTable table = select_kernels(level);
    for (const auto& [cache, dtype] : {std::pair{DType::kF32, DType::kF32},
                                       {DType::kF16, DType::kF32},
                                       {DType::kBF16, DType::kBF16},
                                       {DType::kI8, DType::kF32},
                                       {DType::kI8, DType::kBF16}}) {
      for (const int64_t window : {0, 21}) {
        AttentionCase whole = cut_case(cache, dtype, 96, window);
        const std::vector<double> expected = attend(table, whole, 1);
        for (const int64_t block_size : {16, 32, 48}) {
          for (const int lanes : {1, 2, 3, 4}) {
            AttentionCase paged = cut_case(cache, dtype, block_size, window);
            ASSERT_EQ(attend(table, paged, lanes), expected)
                << name_of(level) << ' ' << name_of(cache) << " blocks of " << block_size << ", " << lanes
                << " lanes";
          }
        }
        const int64_t width = whole.q.shape()[1];
        const Tensor y(dtype, {1, width});
        for (int64_t row = 0; row < 83 + 13; ++row) {
          run_lanes(table.attention, test::one_query(whole.args(), row, y), 2);
          const size_t bytes = y.view().bytes();
          ASSERT_TRUE(same_bits(whole.y_tensor, y, static_cast<size_t>(row) * bytes, bytes, 0))
              << name_of(level) << ' ' << name_of(cache) << " query " << row << " alone";
        }
      }
    }
  }
}

TEST_F(Attention, ShowsAKeyThatIsNotANumberToEveryRowThatAttendsToItAndToNoOther) {
  constexpr int64_t kPosition = 20;
  for (const IsaLevel level : fast_levels()) {
    for (const DType cache : {DType::kF32, DType::kBF16}) {
      const KernelTable table = select_kernels(level);
      AttentionCase sample(cache, DType::kF32, {{37, 37}}, {2, 1, 64, 64}, 0, 6);
      run_lanes(table.kv_write, sample.write_args(), 1);
      test::put_nan(sample.k_cache, kPosition * 64);
      run_lanes(table.attention, sample.args(), 1);
      for (int64_t row = 0; row < 37; ++row) {
        EXPECT_EQ(std::isnan(sample.y_tensor.as<float>()[row * 128]), row >= kPosition)
            << name_of(level) << ' ' << name_of(cache) << " row " << row;
      }
    }
  }
}

TEST(PaddingRows, AreZeroAndStoreNothing) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    AttentionCase sample(DType::kF32, DType::kF32, {{5, 5}}, {2, 1, 8, 16}, 0, 3);
    const std::vector<double> y = attend(table, sample, 2);
    for (size_t i = 5 * 16; i < 6 * 16; ++i) EXPECT_EQ(y.at(i), 0.0) << name_of(level);
    KvWriteArgs args = sample.write_args();
    const Tensor nowhere = test::index_tensor({-1, -1, -1, -1, -1}, {5});
    args.places.sequences = nowhere.view();
    const Tensor before(DType::kF32, sample.k_cache.shape());
    std::memcpy(before.view().data, sample.k_cache.view().data, before.view().bytes());
    run_lanes(table.kv_write, args, 2);
    EXPECT_TRUE(same_bits(before, sample.k_cache, 0, before.view().bytes(), 0)) << name_of(level);
  }
}

using RowWise = Levels;

TEST_F(RowWise, AreCloseToTheReference) {
  std::mt19937 random(4);
  for (const IsaLevel level : fast_levels()) {
    const KernelTable table = select_kernels(level);
    for (const int64_t width : {2, 6, 14, 64, 130, 1030}) {
      const Tensor a = random_tensor(DType::kF32, {5, width}, random, 3.0F);
      const Tensor b = random_tensor(DType::kF32, {5, width}, random);
      const Tensor weight = random_tensor(DType::kF32, {width}, random);
      const Tensor angles = random_tensor(DType::kF32, {5, width}, random);
      for (const DType dtype : {DType::kF32, DType::kBF16}) {
        const Tensor expected(dtype, {5, width});
        const Tensor found(dtype, {5, width});
        const int lanes = 3;
        const double bound =
            dtype == DType::kF32 ? 2e-5 : 0.15;  // results are of size up to 30: 2^-8 of them in bf16
        run_lanes(reference().rms_norm, {a.view(), weight.view(), 1e-5F, expected.view()}, 1);
        run_lanes(table.rms_norm, {a.view(), weight.view(), 1e-5F, found.view()}, lanes);
        EXPECT_LT(difference(values_of(found), values_of(expected)), bound)
            << name_of(level) << " rms_norm " << width;
        run_lanes(reference().silu_mul, {a.view(), b.view(), expected.view()}, 1);
        run_lanes(table.silu_mul, {a.view(), b.view(), found.view()}, lanes);
        EXPECT_LT(difference(values_of(found), values_of(expected)), bound)
            << name_of(level) << " silu_mul " << width;
        if (dtype != DType::kF32) continue;
        run_lanes(reference().add, {a.view(), b.view(), expected.view()}, 1);
        run_lanes(table.add, {a.view(), b.view(), found.view()}, lanes);
        EXPECT_EQ(values_of(found), values_of(expected)) << name_of(level) << " add " << width;
        run_lanes(reference().rope, {a.view(), angles.view(), expected.view()}, 1);
        run_lanes(table.rope, {a.view(), angles.view(), found.view()}, lanes);
        EXPECT_LT(difference(values_of(found), values_of(expected)), bound)
            << name_of(level) << " rope " << width;
      }
    }
  }
}

TEST_F(RowWise, SiluOfLargeInputsIsFinite) {
  for (const IsaLevel level : fast_levels()) {
    Tensor gate(DType::kF32, {1, 4});
    const float inputs[] = {-200.0F, -90.0F, 90.0F, 200.0F};
    std::memcpy(gate.view().data, inputs, sizeof inputs);
    const Tensor y(DType::kF32, {1, 4});
    Tensor one(DType::kF32, {1, 4});
    for (int i = 0; i < 4; ++i) one.as<float>()[i] = 1.0F;
    run_lanes(select_kernels(level).silu_mul, {gate.view(), one.view(), y.view()}, 1);
    EXPECT_NEAR(y.as<float>()[0], 0.0, 1e-30);
    EXPECT_NEAR(y.as<float>()[1], 0.0, 1e-30);
    EXPECT_EQ(y.as<float>()[2], 90.0F);
    EXPECT_EQ(y.as<float>()[3], 200.0F);
  }
}

}  // namespace
}  // namespace caravan
