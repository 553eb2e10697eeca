#include "checkpoint/quantized_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "checkpoint/gguf/blocks.h"
#include "checkpoint/gguf_weights.h"
#include "checkpoint/quantized_formats.h"
#include "support/paths.h"
#include "support/stored_tensors.h"

namespace caravan {
namespace {

using test::OpenCheckpoint;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr uint64_t kMaxConfig = 1'000'000;

QuantizationConfig config_of(const std::filesystem::path& folder) {
  const std::string source = (folder / "config.json").string();
  return *parse_quantization_config(parse_json(read_file(source, kMaxConfig), source), source);
}

/// Every number of the matrix, read `at_once` rows at a time, as tensor/quantization.h says: [out, in].
std::vector<float> dequantised(const QuantizedWeight& weight, int64_t at_once) {
  const WeightQuant& quant = weight.quant;
  const int64_t groups = groups_of(quant, weight.in);
  const int64_t chunks = chunks_of(quant, weight.in);
  const int32_t zero = quant.minimums && quant.bits == 4 ? -8 : 0;
  std::vector<float> result;
  for (int64_t first = 0; first < weight.out; first += at_once) {
    const int64_t count = std::min(at_once, weight.out - first);
    std::vector<int8_t> values(static_cast<size_t>(count * weight.in));
    std::vector<float> scales(static_cast<size_t>(count * chunks));
    std::vector<float> minimums(scales.size());
    std::vector<int8_t> zeros(static_cast<size_t>(count * groups), static_cast<int8_t>(zero));
    std::vector<int8_t> multiples(zeros.size(), 1);
    std::vector<int8_t> minimum_multiples(zeros.size(), 1);
    const bool blocks = quant.block != 0;
    weight.read(first, count,
                {values.data(), scales.data(), quant.zero_points ? zeros.data() : nullptr,
                 quant.minimums ? minimums.data() : nullptr, blocks ? multiples.data() : nullptr,
                 blocks && quant.minimums ? minimum_multiples.data() : nullptr});
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t group = i / static_cast<size_t>(weight.in / groups);
      const size_t chunk = i / static_cast<size_t>(weight.in / chunks);
      const float scale = scales[chunk] * static_cast<float>(multiples[group]);
      const float minimum = minimums[chunk] * static_cast<float>(minimum_multiples[group]);
      result.push_back(std::fma(scale, static_cast<float>(values[i] - zeros[group]), -minimum));
    }
  }
  return result;
}

/// The stored tensor as fp32.
std::vector<float> floats_of(const StoredWeight& stored) {
  std::vector<float> values(static_cast<size_t>(stored.shape.elements()));
  read_rows(stored, 0, stored.shape[0], {values.data(), DType::kF32, stored.shape});
  return values;
}

/// `values` rounded to `dtype` and back.
std::vector<float> rounded(std::vector<float> values, DType dtype) {
  std::vector<std::byte> narrow(values.size() * size_of(dtype));
  convert_elements(values.data(), DType::kF32, narrow.data(), dtype, values.size());
  convert_elements(narrow.data(), dtype, values.data(), DType::kF32, values.size());
  return values;
}

class QuantizedFixture : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path folder() { return test::fixture(std::string("quantized/") + GetParam()); }
  OpenCheckpoint checkpoint = test::open_checkpoint(folder());
  QuantizationConfig config = config_of(folder());
  FoundWeights found = find_quantized(config, checkpoint.tensors);
};

TEST_P(QuantizedFixture, IsWhatTheToolThatMadeItReadsFromIt) {
  const WeightFile file = {
      MappedFile(folder() / "expected.safetensors"),
      parse_safetensors_header(MappedFile(folder() / "expected.safetensors").bytes(),
                               file_size(folder() / "expected.safetensors"), "expected")};
  std::set<std::string> expected;
  for (const StoredWeight& stored : weights_of(file)) {
    if (stored.name == "logits") continue;
    expected.insert(stored.name);
    ASSERT_TRUE(found.contains(stored.name)) << stored.name;
    const QuantizedWeight& weight = found.at(stored.name).weight;
    EXPECT_EQ(weight.name, stored.name);
    EXPECT_EQ(Shape({weight.out, weight.in}), stored.shape);
    for (const int64_t at_once : {1, 7, 1000}) {
      EXPECT_EQ(rounded(dequantised(weight, at_once), stored.encoding->dtype), floats_of(stored))
          << stored.name;
    }
  }
  EXPECT_EQ(expected.size(), 7U);
  EXPECT_EQ(found.size(), expected.size());
}

TEST_P(QuantizedFixture, SaysWhichTensorsItIsMadeOf) {
  std::set<std::string> left;
  for (const auto& [name, stored] : checkpoint.tensors) left.insert(name);
  for (const auto& [name, weight] : found) {
    for (const std::string& part : weight.parts) EXPECT_EQ(left.erase(part), 1U) << part;
  }
  for (const auto& [name, scales] : find_kv_scales(config, checkpoint.tensors)) {
    for (const std::string& part : scales.parts) EXPECT_EQ(left.erase(part), 1U) << part;
  }
  EXPECT_THAT(left, UnorderedElementsAre("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
                                         "model.layers.0.input_layernorm.weight",
                                         "model.layers.0.post_attention_layernorm.weight"));
}

TEST_P(QuantizedFixture, KeepsEveryScaleInTheDtypeThatItNames) {
  for (const auto& [name, matrix] : found) {
    const QuantizedWeight& weight = matrix.weight;
    std::vector<int8_t> values(static_cast<size_t>(weight.out * weight.in));
    std::vector<float> scales(static_cast<size_t>(weight.out * groups_of(weight.quant, weight.in)));
    std::vector<int8_t> zeros(scales.size());
    weight.read(0, weight.out,
                {values.data(), scales.data(), weight.quant.zero_points ? zeros.data() : nullptr});
    EXPECT_EQ(rounded(scales, weight.scale), scales) << name;
    if (weight.quant.bits == 4) {
      EXPECT_THAT(values, testing::Each(testing::AllOf(testing::Ge(-8), testing::Le(7)))) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizedFixture,
                         testing::Values("int_token", "int_token_asymmetric", "int4_token", "int_static",
                                         "pack8", "pack4", "pack4_asymmetric", "pack4_channel", "mixed",
                                         "int_bitmask", "gptq", "gptq_asymmetric", "gptq_v2", "awq"),
                         [](const auto& name) { return std::string(name.param); });

/// The matrix `name` of layer 0 of a fixture.
QuantizedWeight matrix_of(const std::string& fixture, const std::string& name) {
  const std::filesystem::path folder = test::fixture("quantized/" + fixture);
  static std::vector<OpenCheckpoint> open;
  open.push_back(test::open_checkpoint(folder));
  return find_quantized(config_of(folder), open.back().tensors)
      .at("model.layers.0." + name + ".weight")
      .weight;
}

TEST(QuantizedTensors, SayHowWeightsAndInputsAreQuantised) {
  const QuantizedWeight token = matrix_of("int_token", "mlp.up_proj");
  EXPECT_EQ(token.quant, (WeightQuant{8, 0, false}));
  EXPECT_EQ(token.rows, (RowQuant{ActivationQuant::kSymmetric, 0.0F, 0}));
  EXPECT_EQ(token.scale, DType::kBF16);
  const QuantizedWeight asymmetric = matrix_of("int_token_asymmetric", "mlp.up_proj");
  EXPECT_EQ(asymmetric.quant, (WeightQuant{8, 0, true}));
  EXPECT_EQ(asymmetric.rows.mode, ActivationQuant::kPerToken);
  EXPECT_EQ(asymmetric.scale, DType::kF16);
  EXPECT_EQ(matrix_of("pack8", "mlp.up_proj").rows, RowQuant());
  EXPECT_EQ(matrix_of("pack4", "mlp.up_proj").quant, (WeightQuant{4, 16, false}));
  EXPECT_EQ(matrix_of("pack4_asymmetric", "mlp.up_proj").quant, (WeightQuant{4, 16, true}));
  EXPECT_EQ(matrix_of("pack4_channel", "mlp.up_proj").quant, (WeightQuant{4, 0, true}));
  EXPECT_EQ(matrix_of("gptq", "mlp.up_proj").quant, (WeightQuant{4, 16, false}));
  EXPECT_EQ(matrix_of("gptq_v2", "mlp.up_proj").quant, (WeightQuant{8, 0, true}));
  EXPECT_EQ(matrix_of("awq", "mlp.up_proj").quant, (WeightQuant{4, 16, true}));
}

TEST(QuantizedTensors, ReadStaticScalesOfInputsWithTheZeroPointMovedUp) {
  const std::filesystem::path folder = test::fixture("quantized/int_static");
  const OpenCheckpoint checkpoint = test::open_checkpoint(folder);
  const FoundWeights found = find_quantized(config_of(folder), checkpoint.tensors);
  for (const auto& [name, matrix] : found) {
    const std::string module = name.substr(0, name.size() - std::string(".weight").size());
    const RowQuant& rows = matrix.weight.rows;
    EXPECT_EQ(rows.mode, ActivationQuant::kStatic);
    EXPECT_EQ(std::vector<float>{rows.scale}, floats_of(checkpoint.tensors.at(module + ".input_scale")));
    const std::byte zero = checkpoint.tensors.at(module + ".input_zero_point").bytes[0];
    EXPECT_EQ(rows.zero, 128 + static_cast<int8_t>(zero));
  }
}

TEST(QuantizedTensors, ReadTheScalesOfAStaticKvCache) {
  const std::filesystem::path folder = test::fixture("quantized/int_static");
  const OpenCheckpoint checkpoint = test::open_checkpoint(folder);
  const auto found = find_kv_scales(config_of(folder), checkpoint.tensors);
  ASSERT_EQ(found.size(), 1U);
  const StoredKvScales& scales = found.at("model.layers.0.self_attn");
  EXPECT_THAT(scales.keys, ElementsAre(0.03125F));
  EXPECT_THAT(scales.values, ElementsAre(0.0234375F));
  EXPECT_THAT(scales.parts,
              ElementsAre("model.layers.0.self_attn.k_scale", "model.layers.0.self_attn.v_scale"));
}

TEST(QuantizedTensors, TakeTheSchemeOfEachModuleWhereThereAreSeveral) {
  EXPECT_EQ(matrix_of("mixed", "mlp.up_proj").quant.bits, 4);
  EXPECT_EQ(matrix_of("mixed", "self_attn.q_proj").rows.mode, ActivationQuant::kSymmetric);
  EXPECT_EQ(matrix_of("mixed", "self_attn.o_proj").rows.mode, ActivationQuant::kNone);
}

/// The matrices of a GGUF file that are quantised are, to the bit, what gguf-py expands them to, which the
/// folder beside it holds in the order of rows that the file's q and k do not have.
void expect_numbers_of_gguf_py(const std::string& name, const std::vector<std::string>& expected_types) {
  const GgufFile gguf = open_gguf(test::fixture("gguf/" + name + ".gguf"));
  StoredTensors tensors;
  for (StoredWeight& weight : weights_of(gguf)) tensors.emplace(weight.name, weight);
  const OpenCheckpoint folder = test::open_checkpoint(test::fixture("gguf/" + name));
  std::set<std::string> types;
  bool permuted = false;
  for (const auto& [tensor, matrix] : find_quantized_blocks(tensors)) {
    const StoredWeight& stored = tensors.at(tensor);
    types.insert(stored.type_name);
    permuted |= stored.head_rows != 0;
    EXPECT_THAT(matrix.parts, ElementsAre(tensor));
    EXPECT_EQ(matrix.weight.scale, DType::kF16);
    for (const int64_t at_once : {3, 1000})
      EXPECT_EQ(dequantised(matrix.weight, at_once), floats_of(folder.tensors.at(tensor))) << tensor;
  }
  EXPECT_THAT(types, testing::UnorderedElementsAreArray(expected_types));
  EXPECT_TRUE(permuted);
}

TEST(QuantizedBlocks, AreWhatGgufPyExpandsThemTo) {
  expect_numbers_of_gguf_py("q8_0", {"Q4_0", "Q4_1", "Q8_0"});
  expect_numbers_of_gguf_py("q4_k_m", {"Q4_K", "Q5_0", "Q5_K", "Q6_K"});
}

class BlockType : public testing::TestWithParam<GgmlType> {};

TEST_P(BlockType, IsReadAsTheNumbersThatGgufPyExpandsItTo) {
  const OpenCheckpoint blocks = test::open_checkpoint(test::fixture("gguf/blocks.safetensors").parent_path());
  const GgmlTypeInfo& info = info_of(GetParam());
  const std::string type(info.name);
  StoredWeight stored = blocks.tensors.at(type + ".blocks");
  const StoredWeight& expected = blocks.tensors.at(type + ".values");
  stored.encoding = Encoding{DType::kBF16, GetParam(), static_cast<size_t>(info.block_elements),
                             static_cast<size_t>(info.block_bytes)};
  // Two rows of half of the blocks each.
  stored.shape = {2, expected.shape.elements() / 2};
  ASSERT_TRUE(is_block_matrix(stored));
  const QuantizedWeight weight = block_weight(stored).weight;
  EXPECT_EQ(weight.quant, quant_of(GetParam()));
  EXPECT_EQ(dequantised(weight, 1), floats_of(expected));
}

INSTANTIATE_TEST_SUITE_P(QuantizedBlocks, BlockType, testing::ValuesIn(kExpandable),
                         [](const auto& test) { return std::string(info_of(test.param).name); });

TEST(QuantizedTensors, SayHowManyNumbersTheFullestOutputKeeps) {
  EXPECT_EQ(matrix_of("int_bitmask", "mlp.up_proj").row_kept, 36) << "of 72";
  EXPECT_EQ(matrix_of("int_token", "mlp.up_proj").row_kept, 0) << "not counted";
  const std::filesystem::path folder = test::fixture("quantized/int_token");
  const OpenCheckpoint checkpoint = test::open_checkpoint(folder);
  QuantizationConfig config = config_of(folder);
  std::get<CompressedTensorsConfig>(config).pruned = true;
  const int64_t kept =
      find_quantized(config, checkpoint.tensors).at("model.layers.0.mlp.up_proj.weight").weight.row_kept;
  EXPECT_GT(kept, 15);
  EXPECT_LE(kept, 20) << "of 20";
}

}  // namespace
}  // namespace caravan
