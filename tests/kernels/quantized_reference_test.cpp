// The reference kernels of quantised weights and rows, against the formulas of their contracts.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/quantized_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::QuantizedCase;
using test::run_lanes;
using test::values_of;

const KernelTable& reference() {
  static const KernelTable kTable = select_kernels(IsaLevel::kPortable);
  return kTable;
}

TEST(QuantizedReference, MultipliesByWhatAWeightStandsFor) {
  unsigned seed = 1;
  for (const DType order : {DType::kF32, DType::kF16}) {
    for (const DType scale : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (const int bits : {8, 4}) {
        for (const int64_t group : {0, 1, 5, 32}) {
          for (const Epilogue epilogue : {Epilogue::kNone, Epilogue::kResidual, Epilogue::kSiluMul}) {
            const QuantizedFormat format = {{bits, group, seed % 3 == 0}, {}, scale, order};
            QuantizedCase sample(format, 3, group == 0 ? 37 : group * 3, 67, epilogue, seed++);
            run_lanes(reference().packed_linear, sample.expanded_args(), 2);
            const std::vector<double> expected = values_of(sample.y);
            run_lanes(reference().packed_linear, sample.args(), 3);
            ASSERT_EQ(values_of(sample.y), expected) << test::name_of(format);
          }
        }
      }
    }
  }
}

TEST(QuantizedReference, MultipliesByWhatBlocksStandFor) {
  unsigned seed = 1;
  for (const DType order : {DType::kF32, DType::kF16}) {
    for (const QuantizedFormat& format : test::block_formats(order)) {
      QuantizedCase sample(format, 3, test::some_inputs(format), 67, Epilogue::kResidual, seed++);
      run_lanes(reference().packed_linear, sample.expanded_args(), 2);
      const std::vector<double> expected = values_of(sample.y);
      run_lanes(reference().packed_linear, sample.args(), 3);
      ASSERT_EQ(values_of(sample.y), expected) << test::name_of(format);
    }
  }
}

TEST(QuantizedReference, MultipliesInTheOrderOfBf16ByBlocksThatAreNotRounded) {
  unsigned seed = 2;
  for (const QuantizedFormat& format : test::block_formats(DType::kBF16)) {
    const int64_t in = test::some_inputs(format);
    QuantizedCase sample(format, 3, in, 67, Epilogue::kNone, seed);
    seed += 2;
    run_lanes(reference().packed_linear, sample.args(), 3);
    QuantizedFormat exact = format;
    exact.order = DType::kF32;
    const Tensor panels = test::expanded(sample.matrix, exact);
    for (int64_t token = 0; token < 3; ++token) {
      for (int64_t o = 0; o < 67; ++o) {
        auto sum = static_cast<double>(sample.bias.as<float>()[o]);
        for (int64_t i = 0; i < in; ++i) {
          sum += static_cast<double>(to_float(sample.x.as<BFloat16>()[token * in + i])) *
                 static_cast<double>(panels.as<float>()[panel_offset(panels.shape(), o, i)]);
        }
        // The panels are in fp32: half a unit in the last place of numbers up to 1, of each product.
        ASSERT_NEAR(static_cast<double>(sample.y.as<float>()[token * 67 + o]), sum,
                    unit_roundoff(DType::kF32) * static_cast<double>(in))
            << test::name_of(format);
      }
    }
  }
}

TEST(QuantizedReference, MultipliesQuantisedRowsInTheStepsOfTheContract) {
  const QuantizedFormat format = {{8, 0, false}, {ActivationQuant::kPerToken}, DType::kF16, DType::kI8};
  QuantizedCase sample(format, 4, 131, 70, Epilogue::kNone, 2);
  run_lanes(reference().packed_linear, sample.args(), 2);
  for (int64_t token = 0; token < 4; ++token) {
    const uint8_t* x = sample.x.as<uint8_t>() + token * quantized_row_bytes(131);
    RowMeaning row;
    std::memcpy(&row, x + row_meaning_offset(131), sizeof row);
    for (int64_t o = 0; o < 70; ++o) {
      int32_t sum = 0;
      for (int64_t i = 0; i < 131; ++i)
        sum += (x[i] - row.zero) * sample.matrix.values[static_cast<size_t>(o * 131 + i)];
      const float scale = row.scale * sample.matrix.scales[static_cast<size_t>(o)];
      const float scaled = static_cast<float>(sum) * scale;
      ASSERT_EQ(sample.y.as<float>()[token * 70 + o], scaled + sample.bias.as<float>()[o])
          << token << ' ' << o;
    }
  }
}

TEST(TakeRows, TakesQuantisedRows) {
  const Tensor x(DType::kU8, {3, 128});
  for (int64_t i = 0; i < 3 * 128; ++i) x.as<uint8_t>()[i] = static_cast<uint8_t>(i * 7);
  const Tensor rows = test::index_tensor({2, 0}, {2});
  const Tensor y(DType::kU8, {2, 128});
  for (const IsaLevel level : available_levels(cpu_features())) {
    std::memset(y.as<uint8_t>(), 0, 256);
    run_lanes(select_kernels(level).take_rows, {x.view(), rows.view(), y.view()}, 2);
    EXPECT_EQ(std::memcmp(y.as<uint8_t>(), x.as<uint8_t>() + 256, 128), 0);
    EXPECT_EQ(std::memcmp(y.as<uint8_t>() + 128, x.as<uint8_t>(), 128), 0);
  }
}

}  // namespace
}  // namespace caravan
