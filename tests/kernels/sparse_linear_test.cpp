// The packed matmul with weights that are stored without their zeros, at every ISA level that this CPU has:
// the bits of the same weights with all their values.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "kernels/quantized_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::QuantizedCase;
using test::run_lanes;
using test::values_of;

/// W8A8 that keeps up to `kept` values of each output.
QuantizedFormat sparse_format(int64_t kept, unsigned seed = 0) {
  QuantizedFormat format = {{8, 0, false}, test::rows_by_turns(seed), DType::kF32, DType::kI8};
  format.row_kept = kept;
  return format;
}

/// What the kernels of `level` make of the case, and of the same with every value stored.
std::pair<std::vector<double>, std::vector<double>> sparse_and_dense(QuantizedCase& sample, IsaLevel level,
                                                                     int lanes) {
  const KernelTable table = select_kernels(level);
  run_lanes(table.packed_linear, sample.args(), lanes);
  std::vector<double> sparse = values_of(sample.y);
  PackedLinearArgs args = sample.args();
  args.format = test::with_zeros(sample.format);
  const Tensor weight = packed(sample.matrix, args.format);
  args.weight = weight.view();
  run_lanes(table.packed_linear, args, lanes);
  return {std::move(sparse), values_of(sample.y)};
}

TEST(SparseLinear, GivesTheBitsOfTheWeightWithItsZeros) {
  constexpr Epilogue kEpilogues[] = {Epilogue::kNone, Epilogue::kResidual, Epilogue::kSiluMul};
  unsigned seed = 1;
  for (const int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 33, 101}) {
    for (const int64_t in : {1, 7, 64, 131, 515, 1152}) {
      for (const int64_t kept : {(in + 1) / 2, (in + 7) / 8, in}) {
        const Epilogue epilogue = kEpilogues[seed % 3];
        const int64_t out = std::array<int64_t, 5>{1, 31, 64, 67, 130}.at(seed % 5);
        QuantizedCase sample(sparse_format(kept, seed), tokens, in, out, epilogue, seed);
        ++seed;
        for (const IsaLevel level : available_levels(cpu_features())) {
          const auto [sparse, dense] = sparse_and_dense(sample, level, 1 + static_cast<int>(seed % 3));
          ASSERT_EQ(sparse, dense) << name_of(level) << ' ' << test::name_of(sample.format) << ' ' << tokens
                                   << 'x' << in << 'x' << out << ", epilogue " << static_cast<int>(epilogue);
        }
      }
    }
  }
}

TEST(SparseLinear, TakesRowsThatAreAllZeroAndRowsThatHaveNone) {
  for (const int32_t value : {0, -128, 127}) {
    for (const int64_t tokens : {1, 5, 16, 40}) {
      QuantizedCase sample(sparse_format(515), tokens, 515, 67, Epilogue::kNone, 3);
      std::fill(sample.matrix.values.begin(), sample.matrix.values.end(), value);
      sample.weight = packed(sample.matrix, sample.format);
      for (const IsaLevel level : available_levels(cpu_features())) {
        const auto [sparse, dense] = sparse_and_dense(sample, level, 2);
        ASSERT_EQ(sparse, dense) << name_of(level) << ' ' << tokens << " tokens of " << value;
        const bool all_zero = std::all_of(sparse.begin(), sparse.end(), [](double y) { return y == 0.0; });
        EXPECT_EQ(all_zero, value == 0 && !sample.has_bias);
      }
    }
  }
}

TEST(SparseLinear, TakesTwoOfEveryFourAndOneVectorThatIsFull) {
  for (const int64_t tokens : {1, 7, 16, 17}) {
    QuantizedCase sample(sparse_format(128), tokens, 256, 130, Epilogue::kNone, 5);
    for (int64_t o = 0; o < sample.matrix.out; ++o) {
      for (int64_t i = 0; i < 256; ++i) {
        // The first half of output 64's panel has all of its first inputs and none of its last.
        const bool kept = o >= 64 ? i < 128 : (i + o) % 4 < 2;
        const int64_t value = (o * 7 + i * 13) % 255 - 127;
        sample.matrix.values[static_cast<size_t>(o * 256 + i)] = kept ? static_cast<int32_t>(value) : 0;
      }
    }
    sample.weight = packed(sample.matrix, sample.format);
    for (const IsaLevel level : available_levels(cpu_features())) {
      const auto [sparse, dense] = sparse_and_dense(sample, level, 2);
      ASSERT_EQ(sparse, dense) << name_of(level) << ' ' << tokens;
    }
  }
}

TEST(SparseLinear, NeedsFewerBytes) {
  const QuantizedFormat format = sparse_format(1024);
  const double sparse = static_cast<double>(quantized_shape(64, 2048, format).elements());
  const double dense = static_cast<double>(quantized_shape(64, 2048, test::with_zeros(format)).elements());
  EXPECT_NEAR(sparse / dense, 0.625, 0.003);
  EXPECT_TRUE(sparse_saves(format, 2048, 1024));
  EXPECT_TRUE(sparse_saves(format, 2048, 1790));
  EXPECT_FALSE(sparse_saves(format, 2048, 1792)) << "masks are an eighth of the values";
  const QuantizedFormat alone = {{}, {}, DType::kF32, DType::kF32};
  EXPECT_FALSE(sparse_saves(alone, 2048, 1)) << "only where rows are quantised too";
}

}  // namespace
}  // namespace caravan
