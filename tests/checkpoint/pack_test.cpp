// Weights in panels: by the definition of tensor/panels.h, element by element.
#include "checkpoint/pack.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "checkpoint/safetensors.h"
#include "checkpoint/weight_store.h"
#include "support/errors.h"
#include "support/paths.h"
#include "tensor/buffer.h"

namespace caravan {
namespace {

using test::TemporaryFolder;

/// A folder with the matrices "a" and "b" of so many rows of `in`, and the vectors "c" and "d" of so many
/// elements, fp32: element i of a is i, of b -i, of c i and of d -i.
void write_parts(const TemporaryFolder& folder, int64_t a_rows, int64_t b_rows, int64_t in) {
  const std::string header = safetensors_header({{"a", DType::kF32, {a_rows, in}},
                                                 {"b", DType::kF32, {b_rows, in}},
                                                 {"c", DType::kF32, {a_rows}},
                                                 {"d", DType::kF32, {b_rows}}},
                                                {});
  std::vector<float> values;
  for (const int64_t count : {a_rows * in, -b_rows * in, a_rows, -b_rows}) {
    for (int64_t i = 0; i < std::abs(count); ++i) values.push_back(static_cast<float>(count < 0 ? -i : i));
  }
  static_cast<void>(
      folder.write("model.safetensors",
                   header + std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4)));
}

/// Element [output, input] of packed weights.
float element(const ConstTensorView& panels, int64_t output, int64_t input) {
  const int64_t offset = panel_offset(panels.shape, output, input);
  float value = 0.0F;
  convert_elements(
      static_cast<const char*>(panels.data) + static_cast<size_t>(offset) * size_of(panels.dtype),
      panels.dtype, &value, DType::kF32, 1);
  return value;
}

TEST(TakePanels, StacksMatricesAndFillsUpWithZeros) {
  constexpr int64_t kA = 70;
  constexpr int64_t kB = 3;
  constexpr int64_t kIn = 5;
  const TemporaryFolder folder;
  write_parts(folder, kA, kB, kIn);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
    const ConstTensorView panels = store.take_panels({{"a", kA}, {"b", kB}}, kIn, dtype, false);
    ASSERT_EQ(panels.shape, panel_shape(kA + kB, kIn, dtype));
    const auto rounded = [dtype](int64_t value) {
      const auto exact = static_cast<float>(value);
      return dtype == DType::kBF16 ? to_float(from_float<BFloat16>(exact)) : exact;
    };
    for (int64_t output = 0; output < panels.shape[0] * kPanelOutputs; ++output) {
      for (int64_t input = 0; input < panels.shape[1] * panels.shape[3]; ++input) {
        int64_t expected = 0;
        if (input < kIn && output < kA) expected = output * kIn + input;
        if (input < kIn && output >= kA && output < kA + kB) expected = -((output - kA) * kIn + input);
        ASSERT_EQ(element(panels, output, input), rounded(expected)) << output << ", " << input;
      }
    }
    EXPECT_EQ(store.unused(), (std::vector<std::string>{"c", "d"}));
  }
}

TEST(TakePanels, InterleavesTwoMatricesByHalfPanels) {
  constexpr int64_t kRows = 40;
  constexpr int64_t kIn = 130;  // more than is transposed at a time
  const TemporaryFolder folder;
  write_parts(folder, kRows, kRows, kIn);
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  const ConstTensorView panels = store.take_panels({{"a", kRows}, {"b", kRows}}, kIn, DType::kF32, true);
  ASSERT_EQ(panels.shape, (Shape{2, kIn, 64, 1}));
  for (int64_t output = 0; output < 128; ++output) {
    const int64_t row = output / 64 * 32 + output % 32;
    const bool is_a = output % 64 < 32;
    for (int64_t input = 0; input < kIn; ++input) {
      const auto value = static_cast<float>(row * kIn + input);
      const float expected = row >= kRows ? 0.0F : is_a ? value : -value;
      ASSERT_EQ(element(panels, output, input), expected) << output << ", " << input;
    }
  }
}

TEST(TakePanels, DrawsTheSameDummyWeightsAsRows) {
  const TemporaryFolder folder;
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kDummy);
  const ConstTensorView panels = store.take_panels({{"x", 65}}, 3, DType::kF32, false);
  const ConstTensorView rows = store.take("x", {65, 3}, DType::kF32);
  for (int64_t output = 0; output < 65; ++output) {
    for (int64_t input = 0; input < 3; ++input)
      EXPECT_EQ(element(panels, output, input), rows.as<float>()[output * 3 + input]);
  }
}

TEST(TakePanels, RefusesAPartOfAnotherShape) {
  const TemporaryFolder folder;
  write_parts(folder, 4, 4, 2);
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  const std::string error = test::error_of([&] {
    store.take_panels({{"a", 4}, {"b", 5}}, 2, DType::kF32, false);
  });
  EXPECT_NE(error.find("\"b\" has shape [4, 2], expected [5, 2]"), std::string::npos) << error;
}

TEST(TakeVectors, PutsThemOneAfterTheOtherOrByTurns) {
  const TemporaryFolder folder;
  write_parts(folder, 40, 40, 1);
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  const ConstTensorView stacked = store.take_vectors({{"c", 40}, {"d", 40}}, false);
  ASSERT_EQ(stacked.shape, (Shape{80}));
  EXPECT_EQ(stacked.as<float>()[39], 39.0F);
  EXPECT_EQ(stacked.as<float>()[79], -39.0F);
  const ConstTensorView interleaved = store.take_vectors({{"c", 40}, {"d", 40}}, true);
  ASSERT_EQ(interleaved.shape, (Shape{128}));
  EXPECT_EQ(interleaved.as<float>()[31], 31.0F);
  EXPECT_EQ(interleaved.as<float>()[32 + 31], -31.0F);
  EXPECT_EQ(interleaved.as<float>()[64 + 7], 39.0F);
  EXPECT_EQ(interleaved.as<float>()[64 + 8], 0.0F);
  EXPECT_EQ(interleaved.as<float>()[96 + 7], -39.0F);
}

}  // namespace
}  // namespace caravan
