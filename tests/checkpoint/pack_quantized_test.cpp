// Quantised matrices in panels: by the definition of tensor/quantization.h, element by element.
#include "checkpoint/pack_quantized.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "checkpoint/round_to_nearest.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/weight_store.h"
#include "support/errors.h"
#include "support/paths.h"
#include "tensor/buffer.h"

namespace caravan {
namespace {

/// The numbers of a matrix [out, in].
struct Numbers {
  int64_t out;
  int64_t in;
  int64_t groups;
  int64_t chunks;
  std::vector<int8_t> values;
  std::vector<float> scales;    ///< [out, chunks]
  std::vector<float> minimums;  ///< [out, chunks]; 0 where there are none
  std::vector<int8_t> zeros;    ///< [out, groups]; and so on: 1 where there are no blocks
  std::vector<int8_t> multiples;
  std::vector<int8_t> minimum_multiples;

  Numbers(int64_t rows, int64_t inputs, const WeightQuant& quant, unsigned seed)
      : out(rows), in(inputs), groups(groups_of(quant, inputs)), chunks(chunks_of(quant, inputs)) {
    std::mt19937 random(seed);
    const int least = -(1 << (quant.bits - 1));
    std::uniform_int_distribution<int> any(least, -least - 1);
    for (int64_t i = 0; i < out * in; ++i) values.push_back(static_cast<int8_t>(any(random)));
    for (int64_t i = 0; i < out * chunks; ++i) {
      scales.push_back(static_cast<float>(1 + any(random) - least) / 8.0F);
      minimums.push_back(quant.minimums ? static_cast<float>(any(random)) / 4.0F : 0.0F);
    }
    for (int64_t i = 0; i < out * groups; ++i) {
      zeros.push_back(static_cast<int8_t>(quant.zero_points ? any(random) : 0));
      multiples.push_back(static_cast<int8_t>(quant.block != 0 ? any(random) : 1));
      minimum_multiples.push_back(static_cast<int8_t>(quant.block != 0 ? any(random) : 1));
    }
  }

  void read(int64_t first, int64_t count, const QuantizedRows& to) const {
    std::copy_n(values.data() + first * in, count * in, to.values);
    std::copy_n(scales.data() + first * chunks, count * chunks, to.scales);
    if (to.minimums != nullptr) std::copy_n(minimums.data() + first * chunks, count * chunks, to.minimums);
    const auto copy_groups = [&](const std::vector<int8_t>& from, int8_t* there) {
      if (there != nullptr) std::copy_n(from.data() + first * groups, count * groups, there);
    };
    copy_groups(zeros, to.zeros);
    copy_groups(multiples, to.multiples);
    copy_groups(minimum_multiples, to.minimum_multiples);
  }
};

Tensor packed_blob(const Numbers& numbers, const QuantizedFormat& format) {
  Tensor blob(blob_dtype(format), quantized_shape(numbers.out, numbers.in, format));
  pack_quantized(
      {numbers.out}, false, numbers.in, format,
      [&](int64_t, int64_t first, int64_t count, const QuantizedRows& to) { numbers.read(first, count, to); },
      blob.view());
  return blob;
}

/// What the blob says of one output and one input of one panel.
struct Element {
  float scale;
  float minimum;
  int zero;
  int value;
};

Element element_of(const TensorView& blob, const QuantizedFormat& format, int64_t in, int64_t output,
                   int64_t input) {
  const ChunkLayout layout = chunk_layout(format, in);
  const WeightQuant& weight = format.weight;
  const int64_t width = in / chunks_of(weight, in);
  const int64_t index = std::min(input / width, blob.shape[1] - 1);
  const auto* chunk = static_cast<const std::byte*>(blob.data) +
                      (output / kPanelOutputs * blob.shape[1] + index) * blob.shape[2];
  const int64_t place = output % kPanelOutputs;
  const auto number_at = [&](int64_t begin) {
    float number = 0.0F;
    convert_elements(chunk + begin + place * static_cast<int64_t>(size_of(format.scale)), format.scale,
                     &number, DType::kF32, 1);
    return number;
  };
  Element element = {number_at(0), weight.minimums ? number_at(layout.minimums) : 0.0F, 0, 0};
  if (weight.block != 0) {
    const int64_t at = input % weight.block / weight.group * kPanelOutputs + place;
    element.scale *= static_cast<float>(static_cast<int8_t>(chunk[layout.multiples + at]));
    element.minimum *= static_cast<float>(static_cast<int8_t>(chunk[layout.minimum_multiples + at]));
  }
  if (format.weight.zero_points) element.zero = static_cast<int8_t>(chunk[layout.zeros + place]);
  const int64_t at = chunk_place(format, place, input - index * width);
  if (format.weight.bits == 8) {
    element.value = static_cast<int8_t>(chunk[layout.values + at]);
  } else {
    const NibblePlace nibble = nibble_place(format, at);
    const auto pair = static_cast<unsigned>(chunk[layout.values + nibble.byte]);
    element.value = static_cast<int>(nibble.upper ? pair / 16 : pair % 16) - 8;
  }
  return element;
}

class PackQuantized : public testing::TestWithParam<QuantizedFormat> {};

TEST_P(PackQuantized, PutsEveryNumberWhereTheLayoutSays) {
  const QuantizedFormat format = GetParam();
  constexpr int64_t kIn = 24;
  const Numbers a(70, kIn, format.weight, 1);
  const Numbers b(3, kIn, format.weight, 2);
  const Tensor blob(blob_dtype(format), quantized_shape(a.out + b.out, kIn, format));
  pack_quantized(
      {a.out, b.out}, false, kIn, format,
      [&](int64_t source, int64_t first, int64_t count, const QuantizedRows& to) {
        (source == 0 ? a : b).read(first, count, to);
      },
      blob.view());
  for (int64_t output = 0; output < blob.shape()[0] * kPanelOutputs; ++output) {
    for (int64_t input = 0; input < kIn; ++input) {
      const Element found = element_of(blob.view(), format, kIn, output, input);
      if (output >= a.out + b.out) {
        EXPECT_EQ(found.scale, 0.0F);
        EXPECT_EQ(found.minimum, 0.0F);
        continue;
      }
      const Numbers& numbers = output < a.out ? a : b;
      const int64_t row = output < a.out ? output : output - a.out;
      const auto group = static_cast<size_t>(row * numbers.groups + input / (kIn / numbers.groups));
      ASSERT_EQ(found.value, numbers.values[static_cast<size_t>(row * kIn + input)])
          << output << " " << input;
      const auto chunk = static_cast<size_t>(row * numbers.chunks + input / (kIn / numbers.chunks));
      ASSERT_EQ(found.scale, numbers.scales[chunk] * static_cast<float>(numbers.multiples[group]));
      ASSERT_EQ(found.minimum,
                numbers.minimums[chunk] * static_cast<float>(numbers.minimum_multiples[group]));
      ASSERT_EQ(found.zero, numbers.zeros[group]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, PackQuantized,
    testing::Values(QuantizedFormat{{8, 0, false}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8},
                    QuantizedFormat{{8, 0, false}, {}, DType::kF32, DType::kF32},
                    QuantizedFormat{{8, 6, true}, {}, DType::kF16, DType::kF16},
                    QuantizedFormat{{8, 0, true}, {}, DType::kBF16, DType::kBF16},
                    QuantizedFormat{{4, 8, false}, {}, DType::kBF16, DType::kBF16},
                    QuantizedFormat{{4, 0, true}, {}, DType::kF32, DType::kF32},
                    QuantizedFormat{{4, 6, false, true}, {}, DType::kF16, DType::kF16},
                    QuantizedFormat{{8, 0, false, true}, {}, DType::kBF16, DType::kBF16},
                    QuantizedFormat{{4, 4, false, true, 12}, {}, DType::kF16, DType::kBF16},
                    QuantizedFormat{{8, 4, false, false, 8}, {}, DType::kF32, DType::kF32},
                    QuantizedFormat{{8, 8, false, true, 24}, {}, DType::kF32, DType::kF16}));

TEST(PackQuantized, SumsWhatEachOutputHoldsWhereRowsAreQuantised) {
  const QuantizedFormat format = {{}, {ActivationQuant::kStatic, 1.0F, 3}, DType::kF32, DType::kI8};
  constexpr int64_t kIn = 7;  // the last step of four has one input that there is not
  const Numbers numbers(65, kIn, format.weight, 3);
  const Tensor blob = packed_blob(numbers, format);
  const ChunkLayout layout = chunk_layout(format, kIn);
  EXPECT_EQ(layout.inputs, 8);
  for (int64_t output = 0; output < numbers.out; ++output) {
    int32_t expected = 0;
    for (int64_t i = 0; i < kIn; ++i) expected += numbers.values[static_cast<size_t>(output * kIn + i)];
    int32_t found = 0;
    std::memcpy(
        &found,
        blob.as_bytes() + output / kPanelOutputs * blob.shape()[2] + layout.sums + output % kPanelOutputs * 4,
        sizeof found);
    EXPECT_EQ(found, expected) << output;
  }
}

TEST(PackQuantized, InterleavesGateAndUp) {
  const QuantizedFormat format = {{}, {}, DType::kF32, DType::kF32};
  const Numbers gate(33, 4, format.weight, 4);
  const Numbers up(33, 4, format.weight, 5);
  const Tensor blob(blob_dtype(format), quantized_shape(2 * kPanelOutputs, 4, format));
  pack_quantized(
      {33, 33}, true, 4, format,
      [&](int64_t source, int64_t first, int64_t count, const QuantizedRows& to) {
        (source == 0 ? gate : up).read(first, count, to);
      },
      blob.view());
  EXPECT_EQ(element_of(blob.view(), format, 4, 5, 2).value, gate.values[5 * 4 + 2]);
  EXPECT_EQ(element_of(blob.view(), format, 4, 32 + 5, 2).value, up.values[5 * 4 + 2]);
  EXPECT_EQ(element_of(blob.view(), format, 4, 64, 3).value, gate.values[32 * 4 + 3]);
  EXPECT_EQ(element_of(blob.view(), format, 4, 96, 3).value, up.values[32 * 4 + 3]);
  EXPECT_EQ(element_of(blob.view(), format, 4, 97, 0).scale, 0.0F);
}

/// The values of a panel, [inputs / 4, 64, 4], which keeps only those that are not 0.
std::vector<int8_t> unmasked(const std::byte* chunk, const ChunkLayout& layout) {
  std::vector<int8_t> values(static_cast<size_t>(layout.inputs * kPanelOutputs));
  const std::byte* kept = chunk + layout.values;
  for (size_t place = 0; place < values.size(); ++place) {
    uint64_t mask = 0;
    std::memcpy(&mask, chunk + layout.masks + place / 64 * 8, sizeof mask);
    if ((mask >> place % 64 & 1U) != 0) values[place] = static_cast<int8_t>(*kept++);
  }
  return values;
}

TEST(PackQuantized, KeepsOnlyWhatIsNotZero) {
  constexpr int64_t kIn = 71;
  const QuantizedFormat dense = {{}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8};
  QuantizedFormat sparse = dense;
  sparse.row_kept = 36;
  Numbers numbers(130, kIn, dense.weight, 6);
  for (size_t i = 0; i < numbers.values.size(); ++i)
    if (i % kIn % 2 == 1 || i / kIn == 7) numbers.values[i] = 0;
  const auto pack = [&](const QuantizedFormat& format) {
    Tensor blob(blob_dtype(format), quantized_shape(numbers.out, kIn, format));
    pack_quantized(
        {numbers.out}, false, kIn, format,
        [&](int64_t, int64_t first, int64_t count, const QuantizedRows& to) {
          numbers.read(first, count, to);
        },
        blob.view());
    return blob;
  };
  const Tensor all = pack(dense);
  const Tensor kept = pack(sparse);
  ASSERT_LT(kept.shape()[2], all.shape()[2]);
  const ChunkLayout layout = chunk_layout(sparse, kIn);
  for (int64_t panel = 0; panel < 3; ++panel) {
    const std::byte* from = all.as_bytes() + panel * all.shape()[2];
    const std::byte* chunk = kept.as_bytes() + panel * kept.shape()[2];
    EXPECT_EQ(std::memcmp(from, chunk, static_cast<size_t>(layout.masks)), 0) << "scales and sums";
    const std::vector<int8_t> values = unmasked(chunk, layout);
    EXPECT_EQ(std::memcmp(from + layout.masks, values.data(), values.size()), 0) << panel;
  }
}

TEST(PackQuantized, LiftsFourBitsToTheLargestScaleOfEachOutput) {
  constexpr int64_t kIn = 24;
  const QuantizedFormat format = {{4, 8, false}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8};
  const Numbers numbers(70, kIn, format.weight, 7);
  const Tensor blob = packed_blob(numbers, format);
  const ChunkLayout layout = chunk_layout(format, kIn);
  for (int64_t output = 0; output < 2 * kPanelOutputs; ++output) {
    const auto* chunk = blob.as_bytes() + output / kPanelOutputs * blob.shape()[2];
    const int64_t column = output % kPanelOutputs;
    const bool exists = output < numbers.out;
    const auto first = numbers.scales.begin() + output * 3;
    const float largest = exists ? *std::max_element(first, first + 3) : 0.0F;
    float scale = -1.0F;
    int32_t stored_sum = -1;
    std::memcpy(&scale, chunk + column * 4, sizeof scale);
    std::memcpy(&stored_sum, chunk + layout.sums + column * 4, sizeof stored_sum);
    ASSERT_FLOAT_EQ(scale, largest / 127.0F * 8.0F);
    int32_t sum = 0;
    for (int64_t i = 0; exists && i < kIn; ++i) {
      const std::byte* group = chunk + layout.values + i / 8 * layout.group_bytes;
      const auto factor = static_cast<int32_t>(group[column]);
      ASSERT_NEAR(static_cast<float>(factor), first[i / 8] / largest * 127.0F, 0.5F + 1e-4F);
      const NibblePlace nibble = nibble_place(format, chunk_place(format, column, i % 8));
      const auto both = static_cast<int32_t>(group[kPanelOutputs + nibble.byte]);
      const int32_t q = (nibble.upper ? both / 16 : both % 16) - 8;
      ASSERT_EQ(q, numbers.values[static_cast<size_t>(output * kIn + i)]) << output << ' ' << i;
      sum += lifted(factor, q);
    }
    ASSERT_EQ(stored_sum, sum);
  }
}

TEST(TakeQuantized, PrunesBeforeItRounds) {
  const QuantizedFormat dense = {{}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8};
  QuantizedFormat sparse = dense;
  sparse.row_kept = 4;
  const std::vector<float> values = {0.1F, -4.0F, 3.0F, 0.2F, -0.3F, 0.5F, 0.4F, 0.6F};
  const test::TemporaryFolder folder;
  static_cast<void>(folder.write(
      "model.safetensors",
      safetensors_header({{"w", DType::kF32, {1, 8}}}, {}) +
          std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float))));
  WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
  store.prune_before_rounding(Sparsity::kHalf);
  const ConstTensorView blob = store.take_quantized({{"w", 1}}, 8, sparse, false);
  const std::vector<int8_t> found =
      unmasked(static_cast<const std::byte*>(blob.data), chunk_layout(sparse, 8));
  std::vector<int> row;
  for (int64_t i = 0; i < 8; ++i) row.push_back(found[static_cast<size_t>(chunk_place(sparse, 0, i))]);
  // The scale is 4 / 127.5.
  EXPECT_EQ(row, (std::vector<int>{0, -127, 96, 0, 0, 16, 0, 19}));
}

TEST(TakeQuantized, RefusesWeightsThatAreNoNumbers) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> values = {1.0F, 2.0F, bad, 3.0F};
    const test::TemporaryFolder folder;
    static_cast<void>(folder.write(
        "model.safetensors",
        safetensors_header({{"w", DType::kF32, {2, 2}}}, {}) +
            std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float))));
    WeightStore store = WeightStore::open(folder.path(), LoadFormat::kAuto);
    const std::string message = test::error_of([&] {
      store.take_quantized({{"w", 2}}, 2, {{}, {}, DType::kF32, DType::kF32}, false);
    });
    EXPECT_EQ(message, folder.path().string() + ": the tensor \"w\" holds " +
                           (std::isnan(bad) ? "nan" : "inf") +
                           ", expected finite numbers, which alone can be quantised");
  }
}

}  // namespace
}  // namespace caravan
