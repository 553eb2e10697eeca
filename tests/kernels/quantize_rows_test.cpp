// The quantisation of rows, alone and after a norm, at every level that this CPU has: the reference's bits.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/op_cases.h"
#include "kernels/select.h"
#include "tensor/quantization.h"

namespace caravan {
namespace {

using test::random_tensor;
using test::run_lanes;

constexpr RowQuant kModes[] = {
    {ActivationQuant::kPerToken}, {ActivationQuant::kSymmetric}, {ActivationQuant::kStatic, 0.021F, 117}};

struct Row {
  std::vector<uint8_t> values;
  RowMeaning meaning;
};

/// Row `t` of quantised rows of `width` values; every byte that has no meaning must be 0.
Row row_of(const Tensor& rows, int64_t t, int64_t width) {
  const uint8_t* from = rows.as<uint8_t>() + t * quantized_row_bytes(width);
  Row row = {{from, from + width}, {}};
  std::memcpy(&row.meaning, from + row_meaning_offset(width), sizeof row.meaning);
  for (int64_t i = width; i < quantized_row_bytes(width); ++i) {
    const int64_t after = i - row_meaning_offset(width);
    if (after >= 0 && after < static_cast<int64_t>(sizeof row.meaning)) continue;
    EXPECT_EQ(from[i], 0) << "byte " << i << " of a row of " << width;
  }
  return row;
}

/// `values` as one row, quantised by the kernels of `level`. The bytes are not 0 before.
Row quantized(IsaLevel level, const std::vector<float>& values, const RowQuant& rows) {
  const auto width = static_cast<int64_t>(values.size());
  const Tensor x(DType::kF32, {1, width});
  std::memcpy(x.as<float>(), values.data(), values.size() * sizeof(float));
  const Tensor y(DType::kU8, {1, quantized_row_bytes(width)});
  std::memset(y.as<uint8_t>(), 0xAA, y.view().bytes());
  run_lanes(select_kernels(level).quantize_rows, {x.view(), rows, y.view()}, 1);
  return row_of(y, 0, width);
}

class QuantizeRows : public testing::TestWithParam<IsaLevel> {};

TEST_P(QuantizeRows, SpreadsARowOverTheWholeRange) {
  const Row row = quantized(GetParam(), {-1.0F, 0.0F, 4.1F, 1.04F}, {ActivationQuant::kPerToken});
  EXPECT_EQ(row.meaning.scale, (4.1F + 1.0F) / 255.0F);
  EXPECT_EQ(row.meaning.zero, 50);
  EXPECT_EQ(row.values, (std::vector<uint8_t>{0, 50, 255, 102}));
}

TEST_P(QuantizeRows, HasZeroInTheRangeOfARowOfOneSign) {
  const Row positive = quantized(GetParam(), {2.0F, 255.0F}, {ActivationQuant::kPerToken});
  EXPECT_EQ(positive.meaning.scale, 1.0F);
  EXPECT_EQ(positive.meaning.zero, 0);
  EXPECT_EQ(positive.values, (std::vector<uint8_t>{2, 255}));
  const Row negative = quantized(GetParam(), {-2.0F, -255.0F}, {ActivationQuant::kPerToken});
  EXPECT_EQ(negative.meaning.zero, 255);
  EXPECT_EQ(negative.values, (std::vector<uint8_t>{253, 0}));
}

TEST_P(QuantizeRows, PutsZeroInTheMiddleWhereSymmetric) {
  const Row row = quantized(GetParam(), {-127.5F, 127.5F, 0.0F, 1.0F}, {ActivationQuant::kSymmetric});
  EXPECT_EQ(row.meaning.scale, 1.0F);
  EXPECT_EQ(row.meaning.zero, 128);
  EXPECT_EQ(row.values, (std::vector<uint8_t>{0, 255, 128, 129}));
}

TEST_P(QuantizeRows, ClampsAndRoundsTiesToEvenWithAGivenScale) {
  const RowQuant rows = {ActivationQuant::kStatic, 2.0F, 10};
  const Row row = quantized(GetParam(), {1.0F, 3.0F, 5.0F, -1000.0F, 1e30F, -20.0F, 490.0F}, rows);
  EXPECT_EQ(row.meaning.scale, 2.0F);
  EXPECT_EQ(row.meaning.zero, 10);
  EXPECT_EQ(row.values, (std::vector<uint8_t>{10, 12, 12, 0, 255, 0, 255}));
}

TEST_P(QuantizeRows, GivesRowsOfNothingAScaleOfOne) {
  for (const RowQuant& rows : {RowQuant{ActivationQuant::kPerToken}, RowQuant{ActivationQuant::kSymmetric}}) {
    for (const float tiny : {0.0F, 1e-40F, -1e-40F}) {
      const Row row = quantized(GetParam(), {0.0F, tiny, 0.0F}, rows);
      EXPECT_EQ(row.meaning.scale, 1.0F);
      EXPECT_EQ(row.values, std::vector<uint8_t>(3, static_cast<uint8_t>(row.meaning.zero)));
    }
  }
}

TEST_P(QuantizeRows, GivesTheBitsOfTheReference) {
  const KernelTable reference = select_kernels(IsaLevel::kPortable);
  const KernelTable table = select_kernels(GetParam());
  std::mt19937 random(7);
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    for (const int64_t width : {1, 2, 15, 17, 63, 64, 65, 515, 2048}) {
      for (const RowQuant& rows : kModes) {
        const Tensor x = random_tensor(dtype, {5, width}, random);
        const Tensor expected(DType::kU8, {5, quantized_row_bytes(width)});
        const Tensor found(DType::kU8, {5, quantized_row_bytes(width)});
        std::memset(found.as<uint8_t>(), 0xAA, found.view().bytes());
        run_lanes(reference.quantize_rows, {x.view(), rows, expected.view()}, 1);
        run_lanes(table.quantize_rows, {x.view(), rows, found.view()}, 3);
        ASSERT_EQ(std::memcmp(expected.as<uint8_t>(), found.as<uint8_t>(), found.view().bytes()), 0)
            << caravan::name_of(dtype) << ' ' << width << " mode " << static_cast<int>(rows.mode);
      }
    }
  }
}

TEST_P(QuantizeRows, DividesAsTheReferenceDoesByScalesOfEverySize) {
  std::mt19937 random(9);
  std::uniform_real_distribution<float> mantissa(1.0F, 2.0F);
  std::uniform_int_distribution<int> half_steps(-40, 560);
  for (int exponent = -126; exponent < 120; exponent += exponent < -30 || exponent > 10 ? 7 : 1) {
    const RowQuant rows = {ActivationQuant::kStatic, std::ldexp(mantissa(random), exponent), 3};
    std::vector<float> values;
    for (int i = 0; i < 4000; ++i) {
      // Next to the middle between two results, where a wrong last bit shows.
      float value = static_cast<float>(half_steps(random)) / 2.0F * rows.scale;
      for (int step = i % 3; step > 0; --step) value = std::nextafter(value, i % 2 == 0 ? 1e30F : -1e30F);
      values.push_back(value);
    }
    values.push_back(std::numeric_limits<float>::max());
    values.push_back(-std::numeric_limits<float>::denorm_min());
    ASSERT_EQ(quantized(GetParam(), values, rows).values, quantized(IsaLevel::kPortable, values, rows).values)
        << "scale " << rows.scale;
  }
}

TEST_P(QuantizeRows, AfterANormGivesTheBitsOfQuantisingItsResult) {
  const KernelTable table = select_kernels(GetParam());
  std::mt19937 random(8);
  for (const int64_t width : {1, 14, 65, 1030}) {
    for (const RowQuant& rows : kModes) {
      const Tensor x = random_tensor(DType::kF32, {5, width}, random, 3.0F);
      const Tensor weight = random_tensor(DType::kF32, {width}, random);
      const Tensor normed(DType::kF32, {5, width});
      const Tensor expected(DType::kU8, {5, quantized_row_bytes(width)});
      const Tensor found(DType::kU8, {5, quantized_row_bytes(width)});
      std::memset(found.as<uint8_t>(), 0xAA, found.view().bytes());
      run_lanes(table.rms_norm, {x.view(), weight.view(), 1e-5F, normed.view()}, 2);
      run_lanes(table.quantize_rows, {normed.view(), rows, expected.view()}, 1);
      run_lanes(table.rms_norm, {x.view(), weight.view(), 1e-5F, found.view(), rows}, 3);
      ASSERT_EQ(std::memcmp(expected.as<uint8_t>(), found.as<uint8_t>(), found.view().bytes()), 0)
          << width << " mode " << static_cast<int>(rows.mode);
    }
  }
}

TEST_P(QuantizeRows, SurvivesRowsThatAreNoNumbers) {
  for (const RowQuant& rows : kModes) {
    const Row row = quantized(GetParam(), {NAN, INFINITY, -INFINITY, 1.0F}, rows);
    EXPECT_EQ(row.values.size(), 4U);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, QuantizeRows, testing::ValuesIn(available_levels(cpu_features())),
                         [](const auto& level) { return std::string(name_of(level.param)); });

}  // namespace
}  // namespace caravan
