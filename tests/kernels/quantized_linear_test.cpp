// The packed matmul with quantised weights at every ISA level that this CPU has.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "kernels/quantized_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::QuantizedCase;
using test::run_lanes;
using test::values_of;

constexpr Epilogue kEpilogues[] = {Epilogue::kNone, Epilogue::kResidual, Epilogue::kSiluMul};

class QuantizedLinear : public testing::Test {
 protected:
  void SetUp() override {
    levels_ = available_levels(cpu_features());
    levels_.erase(levels_.begin());
    if (levels_.empty()) GTEST_SKIP() << "this build or CPU has the portable level only";
  }
  /// At every level, to what the reference makes of it.
  void expect_close(QuantizedCase sample) const {
    run_lanes(reference_.packed_linear, sample.args(), 1);
    const std::vector<double> expected = values_of(sample.y);
    // As of ordinary panels (packed_linear_test.cpp): products are of size 1.
    const double bound = 4.0 * unit_roundoff(DType::kF32) * (static_cast<double>(sample.matrix.in) + 4.0);
    for (const IsaLevel level : levels_) {
      run_lanes(select_kernels(level).packed_linear, sample.args(), 2);
      const std::vector<double> found = values_of(sample.y);
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(found[i], expected[i], bound)
            << caravan::name_of(level) << ' ' << test::name_of(sample.format) << ' ' << sample.x.shape()[0]
            << " tokens";
      }
    }
  }

  std::vector<IsaLevel> levels_;  ///< those above the portable one
  const KernelTable reference_ = select_kernels(IsaLevel::kPortable);
};

/// W8A8, with every mode of rows and dtype of scales in turn.
QuantizedFormat bytes_format(unsigned seed) {
  constexpr DType kScales[] = {DType::kF32, DType::kF16, DType::kBF16};
  return {{8, 0, false}, test::rows_by_turns(seed), kScales[seed / 3 % 3], DType::kI8};
}

/// The last `tokens` of the rows of `args`, whose values go to `y`.
PackedLinearArgs last_rows(PackedLinearArgs args, int64_t tokens, const Tensor& y) {
  const int64_t skipped = args.x.shape[0] - tokens;
  const int64_t row = args.x.shape[1] * static_cast<int64_t>(size_of(args.x.dtype));
  args.x = {static_cast<const char*>(args.x.data) + skipped * row, args.x.dtype, {tokens, args.x.shape[1]}};
  args.residual = {};
  args.y = y.view();
  return args;
}

TEST_F(QuantizedLinear, OfQuantisedRowsGivesTheBitsOfTheReference) {
  unsigned seed = 1;
  for (const int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 31, 32, 33, 40, 101}) {
    for (const int64_t in : {1, 7, 64, 131, 515, 1152}) {
      for (const Epilogue epilogue : kEpilogues) {
        const int64_t out = std::array<int64_t, 5>{1, 31, 64, 67, 130}.at(seed % 5);
        const QuantizedFormat format = bytes_format(seed);
        QuantizedCase sample(format, tokens, in, out, epilogue, seed++);
        run_lanes(reference_.packed_linear, sample.args(), 1);
        const std::vector<double> expected = values_of(sample.y);
        for (const IsaLevel level : levels_) {
          run_lanes(select_kernels(level).packed_linear, sample.args(), 1 + static_cast<int>(seed % 3));
          const std::vector<double> found = values_of(sample.y);
          for (size_t i = 0; i < expected.size(); ++i) {
            // Sums are exact and their scaling is the same fp32 steps everywhere; only SiLU's exponential,
            // good to 2^-22 or so, differs.
            const double bound = epilogue == Epilogue::kSiluMul ? 1e-6 * std::abs(expected[i]) : 0.0;
            ASSERT_NEAR(found[i], expected[i], bound)
                << caravan::name_of(level) << ' ' << test::name_of(format) << ' ' << tokens << 'x' << in
                << 'x' << out << ", epilogue " << static_cast<int>(epilogue);
          }
        }
      }
    }
  }
}

/// More than one block of tokens, and numbers of them around those of blocks, squares and strips of tiles.
constexpr int64_t kManyTokens[] = {65, 127, 128, 129, 191, 519, 543};

/// Of more than 2 MB, which kernels take to come from memory.
TEST_F(QuantizedLinear, OfQuantisedRowsGivesTheBitsOfTheReferenceOfALargeMatrixToo) {
  unsigned seed = 1;
  for (const int64_t in : {1090, 1152}) {
    for (const int64_t tokens : {1, 3, 16, 17, 64}) {
      QuantizedCase sample(bytes_format(seed), tokens, in, 2100, Epilogue::kNone, seed);
      ++seed;
      ASSERT_GT(sample.args().weight.bytes(), uint64_t{2} << 20U);
      run_lanes(reference_.packed_linear, sample.args(), 1);
      const std::vector<double> expected = values_of(sample.y);
      for (const IsaLevel level : levels_) {
        run_lanes(select_kernels(level).packed_linear, sample.args(), 2);
        ASSERT_EQ(values_of(sample.y), expected)
            << caravan::name_of(level) << ' ' << tokens << " tokens of " << in;
      }
    }
  }
}

TEST_F(QuantizedLinear, OfManyQuantisedRowsGivesTheBitsOfTheReference) {
  unsigned seed = 1;
  for (const int64_t tokens : kManyTokens) {
    for (const int64_t in : {67, 515}) {
      const int64_t out = std::array<int64_t, 4>{31, 65, 130, 191}.at(seed % 4);
      QuantizedCase sample(bytes_format(seed), tokens, in, out, Epilogue::kResidual, seed);
      run_lanes(reference_.packed_linear, sample.args(), 1);
      const std::vector<double> expected = values_of(sample.y);
      for (const IsaLevel level : levels_) {
        const KernelTable table = select_kernels(level);
        for (const int lanes : {1, 2, 5}) {
          run_lanes(table.packed_linear, sample.args(), lanes);
          ASSERT_EQ(values_of(sample.y), expected) << caravan::name_of(level) << ' ' << tokens << 'x' << in
                                                   << 'x' << out << ", " << lanes << " lanes";
        }
      }
      ++seed;
    }
  }
}

TEST_F(QuantizedLinear, OfAWeightAloneGivesManyTokensTheBitsOfOrdinaryPanels) {
  unsigned seed = 1;
  for (const DType order : {DType::kF32, DType::kF16}) {
    for (const int64_t tokens : kManyTokens) {
      const auto [group, in] =
          std::array<std::pair<int64_t, int64_t>, 3>{{{0, 515}, {5, 65}, {32, 96}}}.at(seed % 3);
      const int64_t out = std::array<int64_t, 4>{31, 65, 130, 191}.at(seed % 4);
      const QuantizedFormat format = {{seed % 2 == 0 ? 4 : 8, group, true}, {}, DType::kF16, order};
      QuantizedCase sample(format, tokens, in, out, Epilogue::kNone, seed++);
      for (const IsaLevel level : levels_) {
        const KernelTable table = select_kernels(level);
        run_lanes(table.packed_linear, sample.expanded_args(), 1);
        const std::vector<double> expected = values_of(sample.y);
        for (const int lanes : {1, 2, 5}) {
          run_lanes(table.packed_linear, sample.args(), lanes);
          ASSERT_EQ(values_of(sample.y), expected) << caravan::name_of(level) << ' ' << test::name_of(format)
                                                   << ' ' << tokens << 'x' << in << 'x' << out;
        }
      }
    }
  }
}

TEST_F(QuantizedLinear, OfQuantisedRowsHoldsTheLargestSums) {
  constexpr int64_t kIn = kMaxQuantizedInputs;
  const QuantizedFormat format = {
      {8, 0, false}, {ActivationQuant::kStatic, 1.0F, 0}, DType::kF32, DType::kI8};
  QuantizedCase sample(format, 5, kIn, 2, Epilogue::kNone, 1);
  std::fill(sample.matrix.values.begin(), sample.matrix.values.begin() + kIn, -128);
  std::fill(sample.matrix.values.begin() + kIn, sample.matrix.values.end(), 127);
  sample.weight = packed(sample.matrix, format);
  for (int64_t t = 0; t < 5; ++t)
    std::memset(sample.x.as<uint8_t>() + t * quantized_row_bytes(kIn), 255, static_cast<size_t>(kIn));
  run_lanes(reference_.packed_linear, sample.args(), 1);
  const std::vector<double> expected = values_of(sample.y);
  for (const IsaLevel level : levels_) {
    run_lanes(select_kernels(level).packed_linear, sample.args(), 1);
    EXPECT_EQ(values_of(sample.y), expected) << caravan::name_of(level);
  }
}

TEST_F(QuantizedLinear, OfAWeightAloneGivesTheBitsOfOrdinaryPanels) {
  unsigned seed = 1;
  for (const DType order : {DType::kF32, DType::kF16}) {
    for (const int bits : {8, 4}) {
      for (const int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 33, 40, 101}) {
        for (const auto& [group, in] : {std::pair<int64_t, int64_t>{0, 1},
                                        {0, 7},
                                        {0, 515},
                                        {2, 14},
                                        {6, 66},
                                        {1, 3},
                                        {3, 66},
                                        {5, 65},
                                        {129, 516},
                                        {32, 96},
                                        {128, 640},
                                        {176, 704}}) {
          const DType scale = std::array<DType, 3>{DType::kF32, DType::kF16, DType::kBF16}.at(seed % 3);
          const int64_t out = std::array<int64_t, 5>{1, 31, 64, 67, 130}.at(seed % 5);
          const QuantizedFormat format = {{bits, group, seed % 2 == 0}, {}, scale, order};
          const Epilogue epilogue = kEpilogues[seed / 2 % 3];
          QuantizedCase sample(format, tokens, in, out, epilogue, seed++);
          for (const IsaLevel level : levels_) {
            const KernelTable table = select_kernels(level);
            run_lanes(table.packed_linear, sample.expanded_args(), 1);
            const std::vector<double> expected = values_of(sample.y);
            run_lanes(table.packed_linear, sample.args(), 1 + static_cast<int>(seed % 3));
            ASSERT_EQ(values_of(sample.y), expected)
                << caravan::name_of(level) << ' ' << test::name_of(format) << ' ' << tokens << 'x' << in
                << 'x' << out << ", epilogue " << static_cast<int>(epilogue);
          }
        }
      }
    }
  }
}

TEST_F(QuantizedLinear, OfBlocksGivesTheBitsOfOrdinaryPanels) {
  unsigned seed = 1;
  for (const DType order : {DType::kF32, DType::kF16}) {
    for (const QuantizedFormat& format : test::block_formats(order)) {
      for (const int64_t tokens : {1, 2, 5, 7, 16, 17, 40, 129}) {
        const int64_t out = std::array<int64_t, 5>{1, 31, 64, 67, 130}.at(seed % 5);
        QuantizedCase sample(format, tokens, test::some_inputs(format), out, kEpilogues[seed / 2 % 3], seed);
        ++seed;
        for (const IsaLevel level : levels_) {
          const KernelTable table = select_kernels(level);
          run_lanes(table.packed_linear, sample.expanded_args(), 1);
          const std::vector<double> expected = values_of(sample.y);
          run_lanes(table.packed_linear, sample.args(), 1 + static_cast<int>(seed % 3));
          ASSERT_EQ(values_of(sample.y), expected)
              << caravan::name_of(level) << ' ' << test::name_of(format) << ' ' << tokens << " tokens";
        }
      }
    }
  }
}

/// A weight whose scales are 1 against inputs that are small whole numbers: fp32 holds every sum exactly.
QuantizedCase whole_numbers(const QuantizedFormat& format, int64_t tokens, int64_t in, unsigned seed) {
  QuantizedCase sample(format, tokens, in, 67, Epilogue::kNone, seed);
  std::fill(sample.matrix.scales.begin(), sample.matrix.scales.end(), 1.0F);
  for (size_t i = 0; i < sample.matrix.minimums.size() && format.weight.minimums; ++i)
    sample.matrix.minimums[i] = static_cast<float>(i % 7) - 3.0F;
  for (size_t i = 0; i < sample.matrix.multiples.size() && format.weight.block != 0; ++i) {
    sample.matrix.multiples[i] = static_cast<int32_t>(i % 5) - 2;
    sample.matrix.minimum_multiples[i] = static_cast<int32_t>(i % 3);
  }
  sample.weight = packed(sample.matrix, format);
  for (int64_t i = 0; i < tokens * in; ++i)
    sample.x.as<BFloat16>()[i] = to_bfloat16(static_cast<float>((i * 7 + i / 5) % 9 - 4));
  std::fill_n(sample.bias.as<float>(), sample.matrix.out, 0.5F);
  return sample;
}

TEST_F(QuantizedLinear, OfAWeightAloneInTheOrderOfBf16MultipliesItsNumbersExactly) {
  unsigned seed = 1;
  for (const int bits : {8, 4}) {
    for (const int64_t tokens : {1, 2, 5, 7, 15, 16, 17, 32, 33, 48, 65, 101, 127, 128, 129, 191, 259, 519}) {
      for (const auto& [group, in] : {std::pair<int64_t, int64_t>{0, 1},
                                      {0, 7},
                                      {0, 515},
                                      {1, 5},
                                      {2, 14},
                                      {5, 65},
                                      {32, 96},
                                      {48, 480},
                                      {128, 640},
                                      {264, 528}}) {
        const QuantizedFormat format = {{bits, group, seed % 2 == 0}, {}, DType::kF16, DType::kBF16};
        QuantizedCase sample = whole_numbers(format, tokens, in, seed++);
        run_lanes(reference_.packed_linear, sample.args(), 1);
        const std::vector<double> expected = values_of(sample.y);
        for (const IsaLevel level : levels_) {
          run_lanes(select_kernels(level).packed_linear, sample.args(), 1 + static_cast<int>(seed % 3));
          ASSERT_EQ(values_of(sample.y), expected)
              << caravan::name_of(level) << ' ' << test::name_of(format) << ' ' << tokens << 'x' << in;
        }
      }
    }
  }
}

TEST_F(QuantizedLinear, OfBlocksInTheOrderOfBf16MultipliesTheirNumbersExactly) {
  unsigned seed = 1;
  for (const QuantizedFormat& format : test::block_formats(DType::kBF16)) {
    for (const int64_t tokens : {1, 2, 5, 15, 16, 17, 32, 33, 65, 129, 259, 519}) {
      QuantizedCase sample = whole_numbers(format, tokens, test::some_inputs(format), seed++);
      run_lanes(reference_.packed_linear, sample.args(), 1);
      const std::vector<double> expected = values_of(sample.y);
      for (const IsaLevel level : levels_) {
        run_lanes(select_kernels(level).packed_linear, sample.args(), 1 + static_cast<int>(seed % 3));
        ASSERT_EQ(values_of(sample.y), expected)
            << caravan::name_of(level) << ' ' << test::name_of(format) << ' ' << tokens << " tokens";
      }
    }
  }
}

TEST_F(QuantizedLinear, OfBlocksIsCloseToTheReference) {
  unsigned seed = 1;
  for (const DType order : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const QuantizedFormat& format : test::block_formats(order)) {
      for (const int64_t tokens : {1, 3, 17}) {
        const int64_t in = test::some_inputs(format);
        expect_close(QuantizedCase(format, tokens, in, 67, Epilogue::kResidual, seed++));
      }
    }
  }
}

TEST_F(QuantizedLinear, OfAWeightAloneIsCloseToTheReference) {
  unsigned seed = 1;
  for (const DType order : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const auto& [bits, group] :
         {std::pair<int, int64_t>{8, 0}, {8, 64}, {4, 0}, {4, 1}, {4, 5}, {4, 32}}) {
      for (const int64_t tokens : {1, 3, 17}) {
        const int64_t in = group == 0 ? 131 : group * 5;
        const QuantizedFormat format = {{bits, group, seed % 2 == 0}, {}, DType::kF16, order};
        expect_close(QuantizedCase(format, tokens, in, 67, Epilogue::kResidual, seed++));
      }
    }
  }
}

TEST_F(QuantizedLinear, GivesARowTheSameBitsInEveryBatchBlockAndLane) {
  constexpr int64_t kTokens = 107;
  constexpr int64_t kOut = 77;
  QuantizedFormat sparse = bytes_format(4);
  sparse.row_kept = 516;
  const QuantizedFormat formats[] = {bytes_format(3),
                                     sparse,
                                     {{4, 128, false}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8},
                                     {{8, 0, false}, {}, DType::kF32, DType::kF32},
                                     {{4, 128, true}, {}, DType::kF16, DType::kF16},
                                     {{4, 32, false}, {}, DType::kBF16, DType::kBF16},
                                     {{4, 128, true}, {}, DType::kF16, DType::kBF16},
                                     {{4, 32, false, true, 256}, {}, DType::kF16, DType::kF32},
                                     {{4, 32, false, true, 256}, {}, DType::kF16, DType::kBF16},
                                     {{8, 16, false, false, 256}, {}, DType::kF16, DType::kBF16},
                                     {{8, 0, false}, {}, DType::kF32, DType::kBF16}};
  for (const QuantizedFormat& format : formats) {
    QuantizedCase all(format, kTokens, format.weight.group == 0 ? 1031 : 1024, kOut, Epilogue::kNone, 9);
    for (const IsaLevel level : levels_) {
      const KernelTable table = select_kernels(level);
      run_lanes(table.packed_linear, all.args(), 1);
      for (const int64_t tokens : {1, 2, 7, 16, 23, 100}) {
        for (const MatmulTiles tiles : {MatmulTiles{}, MatmulTiles{128, 13}, MatmulTiles{514, 48}}) {
          const Tensor y(DType::kF32, {tokens, kOut});
          PackedLinearArgs args = last_rows(all.args(), tokens, y);
          args.tiles = tiles;
          run_lanes(table.packed_linear, args, 1 + static_cast<int>(tokens % 4));
          const float* expected = all.y.as<float>() + (kTokens - tokens) * kOut;
          ASSERT_EQ(std::memcmp(expected, y.as<float>(), y.view().bytes()), 0)
              << caravan::name_of(level) << ' ' << test::name_of(format) << ' ' << tokens << " tokens";
        }
      }
    }
  }
}

}  // namespace
}  // namespace caravan
