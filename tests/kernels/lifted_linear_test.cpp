// The packed matmul with weights of 4 bits that are lifted to int8, at every ISA level that this CPU has.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/quantized_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::QuantizedCase;
using test::run_lanes;
using test::values_of;

QuantizedFormat lifted_format(int64_t group, unsigned seed = 0) {
  return {{4, group, false}, test::rows_by_turns(seed), DType::kF32, DType::kI8};
}

/// Groups, the inputs of which some are; those of one group need be no whole step.
constexpr std::pair<int64_t, int64_t> kSizes[] = {{0, 1},    {0, 7},     {0, 131},   {4, 12},  {12, 84},
                                                  {32, 160}, {64, 1152}, {128, 256}, {20, 580}};

TEST(Lifted, IsTheNearestEighthOfTheProductWithTiesUpward) {
  for (int factor = 0; factor <= kLargestFactor; ++factor) {
    for (int q = -8; q <= 7; ++q) {
      const int found = lifted(factor, q);
      EXPECT_LE(8 * found - factor * q, 4) << factor << ' ' << q;
      EXPECT_GT(8 * found - factor * q, -4) << factor << ' ' << q;
      EXPECT_GE(found, -127);
      EXPECT_LE(found, 127);
    }
  }
}

TEST(Lifted, StandsForItsGroupsNumbersToWithinHalfAnEighthAndTheFactorsRounding) {
  // Of the largest scale of an output: a factor is off by 1 / 254 at most, which 8 numbers at most multiply.
  QuantizedCase sample(lifted_format(32), 1, 160, 67, Epilogue::kNone, 1);
  for (int64_t o = 0; o < 67; ++o) {
    const float scale = test::lifted_scale(sample.matrix, sample.format, o);
    for (int64_t i = 0; i < 160; ++i) {
      const int32_t q = sample.matrix.values[static_cast<size_t>(o * 160 + i)];
      const float exact = static_cast<float>(q) * sample.matrix.scales[static_cast<size_t>(o * 5 + i / 32)];
      const int32_t factor = test::lifted_factor(sample.matrix, sample.format, o, i);
      EXPECT_NEAR(scale * static_cast<float>(lifted(factor, q)), exact,
                  scale * (0.5F + 8.0F / 16.0F + 1e-3F));
    }
  }
}

TEST(LiftedLinear, OfTheReferenceMultipliesInTheStepsOfTheContract) {
  for (const auto& [group, in] : kSizes) {
    QuantizedCase sample(lifted_format(group, 0), 4, in, 70, Epilogue::kNone, 2);
    run_lanes(select_kernels(IsaLevel::kPortable).packed_linear, sample.args(), 2);
    for (int64_t token = 0; token < 4; ++token) {
      const uint8_t* x = sample.x.as<uint8_t>() + token * quantized_row_bytes(in);
      RowMeaning row;
      std::memcpy(&row, x + row_meaning_offset(in), sizeof row);
      for (int64_t o = 0; o < 70; ++o) {
        int32_t sum = 0;
        for (int64_t i = 0; i < in; ++i) {
          const int32_t factor = test::lifted_factor(sample.matrix, sample.format, o, i);
          sum += (x[i] - row.zero) * lifted(factor, sample.matrix.values[static_cast<size_t>(o * in + i)]);
        }
        const float scale = row.scale * test::lifted_scale(sample.matrix, sample.format, o);
        const float scaled = static_cast<float>(sum) * scale;
        ASSERT_EQ(sample.y.as<float>()[token * 70 + o], scaled + sample.bias.as<float>()[o])
            << group << ' ' << in << ' ' << token << ' ' << o;
      }
    }
  }
}

TEST(LiftedLinear, GivesTheBitsOfTheReference) {
  constexpr Epilogue kEpilogues[] = {Epilogue::kNone, Epilogue::kResidual};
  const KernelTable reference = select_kernels(IsaLevel::kPortable);
  unsigned seed = 1;
  for (const int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 33, 65, 101, 191}) {
    for (const auto& [group, in] : kSizes) {
      const int64_t out = std::array<int64_t, 5>{1, 31, 64, 67, 130}.at(seed % 5);
      QuantizedCase sample(lifted_format(group, seed), tokens, in, out, kEpilogues[seed % 2], seed);
      ++seed;
      run_lanes(reference.packed_linear, sample.args(), 1);
      const std::vector<double> expected = values_of(sample.y);
      for (const IsaLevel level : available_levels(cpu_features())) {
        run_lanes(select_kernels(level).packed_linear, sample.args(), 1 + static_cast<int>(seed % 3));
        ASSERT_EQ(values_of(sample.y), expected) << name_of(level) << ' ' << test::name_of(sample.format)
                                                 << ' ' << tokens << 'x' << in << 'x' << out;
      }
    }
  }
}

TEST(LiftedLinear, TakesGroupsOfEveryScaleOfZeroAndTheExtremeNumbers) {
  for (const int64_t tokens : {1, 5, 16, 40}) {
    QuantizedCase sample(lifted_format(32), tokens, 160, 67, Epilogue::kNone, 3);
    for (int64_t o = 0; o < 67; ++o) {
      for (int64_t g = 0; g < 5; ++g) {
        const float scale = o % 4 == 0 ? 0.0F : g == o % 5 ? 1.0F : static_cast<float>(g) * 0.01F;
        sample.matrix.scales[static_cast<size_t>(o * 5 + g)] = scale;
      }
      for (int64_t i = 0; i < 160; ++i)
        sample.matrix.values[static_cast<size_t>(o * 160 + i)] = (o + i / 16) % 2 == 0 ? -8 : 7;
    }
    sample.weight = packed(sample.matrix, sample.format);
    run_lanes(select_kernels(IsaLevel::kPortable).packed_linear, sample.args(), 1);
    const std::vector<double> expected = values_of(sample.y);
    EXPECT_NE(expected, std::vector<double>(expected.size(), expected.front()));
    for (const IsaLevel level : available_levels(cpu_features())) {
      run_lanes(select_kernels(level).packed_linear, sample.args(), 2);
      ASSERT_EQ(values_of(sample.y), expected) << name_of(level) << ' ' << tokens;
    }
  }
}

TEST(LiftedLinear, NeedsHalfTheBytesOfInt8) {
  const double lifted = static_cast<double>(quantized_shape(64, 2048, lifted_format(128)).elements());
  QuantizedFormat bytes = lifted_format(0);
  bytes.weight = {};
  EXPECT_NEAR(lifted / static_cast<double>(quantized_shape(64, 2048, bytes).elements()), 0.51, 0.005);
}

TEST(LiftedLinear, TakesGroupsOfWholeStepsWithoutZeroPointsOnly) {
  EXPECT_TRUE(takes_quantized_rows({4, 32, false}));
  EXPECT_TRUE(takes_quantized_rows({4, 0, false}));
  EXPECT_FALSE(takes_quantized_rows({4, 6, false}));
  EXPECT_FALSE(takes_quantized_rows({4, 32, true}));
  EXPECT_FALSE(takes_quantized_rows({8, 32, false}));
}

}  // namespace
}  // namespace caravan
