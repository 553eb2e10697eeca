// The packed matmul of every ISA level that this CPU has, against the reference, which accumulates in double.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "kernels/op_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::PackedCase;
using test::run_lanes;
using test::values_of;

constexpr DType kDTypes[] = {DType::kF32, DType::kF16, DType::kBF16};
constexpr Epilogue kEpilogues[] = {Epilogue::kNone, Epilogue::kResidual, Epilogue::kSiluMul};

class PackedLinear : public testing::Test {
 protected:
  void SetUp() override {
    levels_ = available_levels(cpu_features());
    levels_.erase(levels_.begin());
    if (levels_.empty()) GTEST_SKIP() << "this build or CPU has the portable level only";
  }
  std::vector<IsaLevel> levels_;  ///< those above the portable one
};

/// Sums of `in` products of size 1 in one accumulator: each step rounds a partial sum of size sqrt(in), so
/// errors grow as sqrt(in) * sqrt(in) * roundoff; 4 is four deviations. SiLU multiplies two of them, of size
/// sqrt(in); bf16 rounds the result.
double bound_for(const PackedCase& sample, double expected) {
  const auto in = static_cast<double>(sample.plain.x.shape()[1]) + 4.0;
  const double sums = 4.0 * unit_roundoff(DType::kF32) * in;
  if (sample.epilogue != Epilogue::kSiluMul) return sums;
  return sums * 6.0 * std::sqrt(in) + 2.02 * unit_roundoff(sample.y.dtype()) * std::abs(expected);
}

TEST_F(PackedLinear, IsWithinFp32RoundingOfTheReference) {
  const KernelTable reference = select_kernels(IsaLevel::kPortable);
  unsigned seed = 1;
  for (const IsaLevel level : levels_) {
    const KernelTable table = select_kernels(level);
    for (const DType dtype : kDTypes) {
      for (const Epilogue epilogue : kEpilogues) {
        for (const int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 17, 101}) {
          for (const int64_t in : {1, 7, 33, 515, 1031}) {
            const int64_t out = std::array<int64_t, 5>{1, 31, 64, 67, 130}.at(seed % 5);
            PackedCase sample(dtype, tokens, in, out, epilogue, seed++);
            run_lanes(reference.packed_linear, sample.args(), 1);
            const std::vector<double> expected = values_of(sample.y);
            run_lanes(table.packed_linear, sample.args(), 1 + static_cast<int>(seed % 3));
            const std::vector<double> found = values_of(sample.y);
            for (size_t i = 0; i < expected.size(); ++i) {
              ASSERT_NEAR(found[i], expected[i], bound_for(sample, expected[i]))
                  << name_of(level) << ' ' << name_of(dtype) << ' ' << tokens << 'x' << in << 'x' << out
                  << ", epilogue " << static_cast<int>(epilogue);
            }
          }
        }
      }
    }
  }
}

TEST_F(PackedLinear, GivesARowTheSameBitsInEveryBatchBlockAndLane) {
  constexpr int64_t kTokens = 107;
  constexpr int64_t kOut = 77;
  for (const IsaLevel level : levels_) {
    const KernelTable table = select_kernels(level);
    for (const DType dtype : kDTypes) {
      for (const int64_t in : {515, 1031}) {
        PackedCase all(dtype, kTokens, in, kOut, Epilogue::kNone, 9);
        run_lanes(table.packed_linear, all.args(), 1);
        for (const int64_t tokens : {1, 2, 3, 4, 5, 7, 16, 23, 100}) {
          for (const MatmulTiles tiles : {MatmulTiles{}, MatmulTiles{128, 13}, MatmulTiles{514, 48}}) {
            const Tensor y(DType::kF32, {tokens, kOut});
            PackedLinearArgs args = all.args();
            const size_t skipped = static_cast<size_t>((kTokens - tokens) * in) * size_of(args.x.dtype);
            args.x = {static_cast<const char*>(args.x.data) + skipped, args.x.dtype, {tokens, in}};
            args.residual = {};
            args.y = y.view();
            args.tiles = tiles;
            run_lanes(table.packed_linear, args, 1 + static_cast<int>(tokens % 4));
            ASSERT_EQ(
                std::memcmp(all.y.as<float>() + (kTokens - tokens) * kOut, y.as<float>(), y.view().bytes()),
                0)
                << name_of(level) << ' ' << name_of(dtype) << ' ' << tokens << " tokens of " << in;
          }
        }
      }
    }
  }
}

/// Steps of more tokens than one block, strip or square of tiles has, by outputs that fill no panel and odd
/// inputs; some more than an L2 cache keeps of inputs.
TEST_F(PackedLinear, OfManyTokensIsWithinFp32RoundingOfTheReference) {
  const KernelTable reference = select_kernels(IsaLevel::kPortable);
  unsigned seed = 1;
  for (const auto& [tokens, in] : {std::pair<int64_t, int64_t>{65, 33},
                                   {127, 515},
                                   {128, 515},
                                   {129, 33},
                                   {191, 515},
                                   {519, 131},
                                   {543, 1},
                                   {543, 2051}}) {
    const int64_t out = std::array<int64_t, 4>{31, 65, 130, 191}.at(seed % 4);
    PackedCase sample(DType::kBF16, tokens, in, out, kEpilogues[seed % 3], seed);
    run_lanes(reference.packed_linear, sample.args(), 1);
    const std::vector<double> expected = values_of(sample.y);
    for (const IsaLevel level : levels_) {
      const KernelTable table = select_kernels(level);
      for (const int lanes : {1, 2, 3, 5}) {
        // What a block that nobody computes would leave.
        std::memset(sample.y.view().data, 0xFF, sample.y.view().bytes());
        run_lanes(table.packed_linear, sample.args(), lanes);
        const std::vector<double> found = values_of(sample.y);
        for (size_t i = 0; i < expected.size(); ++i) {
          ASSERT_NEAR(found[i], expected[i], bound_for(sample, expected[i]))
              << name_of(level) << ' ' << tokens << 'x' << in << 'x' << out << ", " << lanes << " lanes";
        }
      }
    }
    ++seed;
  }
}

/// Of more than 2 MB, which kernels take to come from memory: whole steps of tiles, and inputs that fill
/// none.
TEST_F(PackedLinear, OfALargeMatrixIsWithinFp32RoundingAndGivesARowTheSameBitsInEveryBatch) {
  constexpr int64_t kTokens = 64;
  constexpr int64_t kOut = 2100;
  const KernelTable reference = select_kernels(IsaLevel::kPortable);
  for (const int64_t in : {515, 544}) {
    PackedCase sample(DType::kBF16, kTokens, in, kOut, Epilogue::kNone, 5);
    ASSERT_GT(sample.args().weight.bytes(), uint64_t{2} << 20U);
    run_lanes(reference.packed_linear, sample.args(), 1);
    const std::vector<double> expected = values_of(sample.y);
    for (const IsaLevel level : levels_) {
      const KernelTable table = select_kernels(level);
      run_lanes(table.packed_linear, sample.args(), 2);
      const std::vector<double> found = values_of(sample.y);
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_NEAR(found[i], expected[i], bound_for(sample, expected[i]))
            << name_of(level) << " inputs " << in;
      for (const int64_t tokens : {1, 2, 3, 16, 17, 40}) {
        const Tensor y(DType::kF32, {tokens, kOut});
        PackedLinearArgs args = sample.args();
        args.x.shape = {tokens, in};
        args.y = y.view();
        run_lanes(table.packed_linear, args, 2);
        ASSERT_EQ(std::memcmp(sample.y.as<float>(), y.as<float>(), y.view().bytes()), 0)
            << name_of(level) << ' ' << tokens << " tokens of " << in;
      }
    }
  }
}

TEST_F(PackedLinear, OfManyTokensGivesARowTheBitsThatItHasAlone) {
  constexpr int64_t kTokens = 543;
  constexpr int64_t kIn = 2051;
  constexpr int64_t kOut = 77;
  for (const IsaLevel level : levels_) {
    const KernelTable table = select_kernels(level);
    PackedCase all(DType::kBF16, kTokens, kIn, kOut, Epilogue::kNone, 9);
    run_lanes(table.packed_linear, all.args(), 1);
    for (const int64_t tokens : {1, 65, 127, 128, 129, 191, 519}) {
      for (const int lanes : {1, 3, 4}) {
        const Tensor y(DType::kF32, {tokens, kOut});
        PackedLinearArgs args = all.args();
        const size_t skipped = static_cast<size_t>((kTokens - tokens) * kIn) * size_of(args.x.dtype);
        args.x = {static_cast<const char*>(args.x.data) + skipped, args.x.dtype, {tokens, kIn}};
        args.residual = {};
        args.y = y.view();
        run_lanes(table.packed_linear, args, lanes);
        ASSERT_EQ(std::memcmp(all.y.as<float>() + (kTokens - tokens) * kOut, y.as<float>(), y.view().bytes()),
                  0)
            << name_of(level) << ' ' << tokens << " tokens, " << lanes << " lanes";
      }
    }
  }
}

TEST_F(PackedLinear, AddsToTheResidualInPlace) {
  for (const IsaLevel level : levels_) {
    const KernelTable table = select_kernels(level);
    PackedCase sample(DType::kBF16, 5, 33, 70, Epilogue::kResidual, 3);
    run_lanes(table.packed_linear, sample.args(), 2);
    PackedLinearArgs args = sample.args();
    args.y = sample.residual.view();
    run_lanes(table.packed_linear, args, 2);
    EXPECT_EQ(values_of(sample.residual), values_of(sample.y)) << name_of(level);
  }
}

}  // namespace
}  // namespace caravan
