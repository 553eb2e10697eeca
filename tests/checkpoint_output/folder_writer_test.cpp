#include "checkpoint/output/folder_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "support/errors.h"
#include "support/paths.h"
#include "support/stored_tensors.h"

namespace caravan {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::OpenCheckpoint;
using test::TemporaryFolder;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Json json_of(const fs::path& file) { return parse_json(read_file(file, 10'000'000), file.string()); }

QuantizationConfig config_of(const fs::path& folder) {
  return *parse_quantization_config(json_of(folder / "config.json"), (folder / "config.json").string());
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename());
  return names;
}

struct Numbers {
  std::vector<int8_t> values;  ///< [out, in]
  std::vector<float> scales;   ///< [out, groups]
  std::vector<int8_t> zeros;   ///< the same, empty where there are none
  bool operator==(const Numbers&) const = default;
};

Numbers numbers_of(const QuantizedWeight& weight) {
  Numbers numbers;
  numbers.values.resize(static_cast<size_t>(weight.out * weight.in));
  numbers.scales.resize(static_cast<size_t>(weight.out * groups_of(weight.quant, weight.in)));
  if (weight.quant.zero_points) numbers.zeros.resize(numbers.scales.size());
  weight.read(0, weight.out,
              {numbers.values.data(), numbers.scales.data(),
               weight.quant.zero_points ? numbers.zeros.data() : nullptr});
  return numbers;
}

/// A matrix whose numbers, scales and zero points are `numbers`.
QuantizedWeight weight_of(const std::string& name, int64_t out, int64_t in, WeightQuant quant,
                          const Numbers& numbers) {
  QuantizedWeight weight;
  weight.name = name;
  weight.quant = quant;
  weight.out = out;
  weight.in = in;
  weight.read = [numbers, in, groups = groups_of(quant, in)](int64_t first, int64_t count,
                                                             const QuantizedRows& rows) {
    std::copy_n(numbers.values.begin() + first * in, count * in, rows.values);
    std::copy_n(numbers.scales.begin() + first * groups, count * groups, rows.scales);
    if (rows.zeros != nullptr)
      std::copy_n(numbers.zeros.begin() + first * groups, count * groups, rows.zeros);
  };
  return weight;
}

/// Writes every tensor of the checkpoint in `folder`.
void rewrite(const fs::path& folder, const fs::path& output, uint64_t shard_bytes) {
  const OpenCheckpoint checkpoint = test::open_checkpoint(folder);
  const QuantizationConfig config = config_of(folder);
  QuantizedFolderWriter writer(output, shard_bytes);
  std::set<std::string> parts;
  for (const auto& [name, found] : find_quantized(config, checkpoint.tensors)) {
    writer.add_quantized(found.weight);
    parts.insert(found.parts.begin(), found.parts.end());
  }
  for (const auto& [attention, scales] : find_kv_scales(config, checkpoint.tensors)) {
    writer.add_kv_scales(attention, scales);
    parts.insert(scales.parts.begin(), scales.parts.end());
  }
  for (const auto& [name, stored] : checkpoint.tensors) {
    if (!parts.contains(name)) writer.add_plain(stored);
  }
  writer.finish(json_of(folder / "config.json"));
}

class WrittenFixture : public testing::TestWithParam<const char*> {};

TEST_P(WrittenFixture, HoldsTheSameNumbersInOneFileAndInMany) {
  const fs::path folder = test::fixture(std::string("quantized/") + GetParam());
  const OpenCheckpoint before = test::open_checkpoint(folder);
  const FoundWeights expected = find_quantized(config_of(folder), before.tensors);
  for (const uint64_t shard_bytes : {kShardBytes, uint64_t{3000}}) {
    const TemporaryFolder temporary;
    const fs::path output = temporary / "quantised";
    rewrite(folder, output, shard_bytes);
    const OpenCheckpoint after = test::open_checkpoint(output);
    EXPECT_EQ(after.files.size() > 1, shard_bytes != kShardBytes);
    const QuantizationConfig config = config_of(output);
    const FoundWeights found = find_quantized(config, after.tensors);
    ASSERT_EQ(found.size(), expected.size());
    std::set<std::string> left;
    for (const auto& [name, stored] : after.tensors) left.insert(name);
    for (const auto& [name, each] : found) {
      const QuantizedWeight& wanted = expected.at(name).weight;
      EXPECT_EQ(each.weight.quant, wanted.quant) << name;
      EXPECT_EQ(each.weight.rows, wanted.rows) << name;
      EXPECT_EQ(each.weight.scale, wanted.scale) << name;
      EXPECT_EQ(numbers_of(each.weight), numbers_of(wanted)) << name;
      for (const std::string& part : each.parts) left.erase(part);
    }
    for (const auto& [attention, scales] : find_kv_scales(config, after.tensors)) {
      EXPECT_EQ(scales.keys, find_kv_scales(config_of(folder), before.tensors).at(attention).keys);
      for (const std::string& part : scales.parts) left.erase(part);
    }
    for (const std::string& name : left) {
      const StoredWeight& stored = after.tensors.at(name);
      EXPECT_TRUE(std::ranges::equal(stored.bytes, before.tensors.at(name).bytes)) << name;
      EXPECT_EQ(stored.shape, before.tensors.at(name).shape);
      EXPECT_EQ(stored.type_name, before.tensors.at(name).type_name);
    }
    EXPECT_EQ(left.size(), 5U);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, WrittenFixture,
                         testing::Values("int_token", "int_token_asymmetric", "int4_token", "int_static",
                                         "pack8", "pack4", "pack4_asymmetric", "pack4_channel", "mixed",
                                         "int_bitmask", "gptq_asymmetric", "gptq_v2", "awq"),
                         [](const auto& name) { return std::string(name.param); });

/// Fixtures of the package itself, whose schemes the writer has too.
class PackageFixture : public testing::TestWithParam<const char*> {};

TEST_P(PackageFixture, IsWrittenByteForByteAsThePackageWroteIt) {
  const fs::path folder = test::fixture(std::string("quantized/") + GetParam());
  const TemporaryFolder temporary;
  rewrite(folder, temporary / "x", kShardBytes);
  const OpenCheckpoint theirs = test::open_checkpoint(folder);
  const OpenCheckpoint ours = test::open_checkpoint(temporary / "x");
  EXPECT_EQ(ours.tensors.size(), theirs.tensors.size());
  for (const auto& [name, stored] : theirs.tensors) {
    ASSERT_TRUE(ours.tensors.contains(name)) << name;
    EXPECT_EQ(ours.tensors.at(name).type_name, stored.type_name) << name;
    EXPECT_EQ(ours.tensors.at(name).shape, stored.shape) << name;
    EXPECT_TRUE(std::ranges::equal(ours.tensors.at(name).bytes, stored.bytes)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, PackageFixture,
                         testing::Values("int_token", "int_token_asymmetric", "int4_token", "int_bitmask",
                                         "pack8", "pack4", "pack4_asymmetric", "pack4_channel"),
                         [](const auto& name) { return std::string(name.param); });

TEST(FolderWriter, LeavesEveryTensorAlignedToItsElement) {
  const TemporaryFolder temporary;
  const fs::path output = temporary / "x";
  QuantizedFolderWriter writer(output);
  // 3 bytes, 1 byte, and what follows them.
  const std::vector<int8_t> odd = {1, 2, 3};
  const std::vector<float> wide = {1.0F, 2.0F};
  writer.add_plain("a", {odd.data(), DType::kI8, {3}});
  writer.add_plain("b", {wide.data(), DType::kF16, {1}});
  writer.add_plain("c", {wide.data(), DType::kF32, {2}});
  writer.add_plain("d", {odd.data(), DType::kI8, {1}});
  writer.add_plain("e", {wide.data(), DType::kF32, {1}});
  writer.finish(Json::object());
  const OpenCheckpoint checkpoint = test::open_checkpoint(output);
  ASSERT_EQ(checkpoint.tensors.size(), 5U);
  for (const auto& [name, stored] : checkpoint.tensors) {
    if (stored.encoding) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(stored.bytes.data()) % size_of(stored.encoding->dtype), 0U)
          << name;
    }
  }
  EXPECT_TRUE(std::ranges::equal(checkpoint.tensors.at("a").bytes, std::as_bytes(std::span(odd))));
}

TEST(FolderWriter, BeginsAFileWhereTheHeaderOfTheLastIsFull) {
  const TemporaryFolder temporary;
  const fs::path output = temporary / "x";
  QuantizedFolderWriter writer(output);
  const std::vector<float> one = {1.0F, 2.0F};
  constexpr int kTensors = 300;
  for (int i = 0; i < kTensors; ++i) {
    writer.add_plain(std::string(900, 'n') + std::to_string(i), {one.data(), DType::kF32, {2}});
  }
  writer.finish(Json::object());
  const OpenCheckpoint checkpoint = test::open_checkpoint(output);
  EXPECT_EQ(checkpoint.tensors.size(), static_cast<size_t>(kTensors));
  EXPECT_EQ(checkpoint.files.size(), 3U);
  const Json index = json_of(output / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], kTensors * 8);
  EXPECT_THAT(
      names_in(output),
      UnorderedElementsAre("config.json", "model.safetensors.index.json", "model-00001-of-00003.safetensors",
                           "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"));
}

TEST(FolderWriter, NamesTheClassWhereAllAreAlikeAndTheModulesWhereTheyAreNot) {
  const Numbers numbers = {std::vector<int8_t>(64, 1), std::vector<float>(8, 0.5F), {}};
  const WeightQuant quant;
  const std::vector<float> head(64, 1.0F);
  const auto config = [&](bool mixed) {
    const TemporaryFolder temporary;
    QuantizedFolderWriter writer(temporary / "x");
    QuantizedWeight weight = weight_of("model.layers.0.mlp.up_proj.weight", 8, 8, quant, numbers);
    weight.rows.mode = ActivationQuant::kPerToken;
    writer.add_quantized(weight);
    weight.name = "model.layers.0.mlp.down_proj.weight";
    if (mixed) weight.rows.mode = ActivationQuant::kNone;
    writer.add_quantized(weight);
    writer.add_plain("lm_head.weight", {head.data(), DType::kF32, {8, 8}});
    writer.add_plain("model.embed_tokens.weight", {head.data(), DType::kF32, {8, 8}});
    writer.add_plain("model.norm.weight", {head.data(), DType::kF32, {8}});
    writer.set_dynamic_kv_cache();
    writer.finish(Json{{"model_type", "llama"}, {"quantization_config", {{"quant_method", "gptq"}}}});
    return json_of(temporary / "x" / "config.json");
  };
  const Json alike = config(false);
  EXPECT_EQ(alike["model_type"], "llama");
  const Json& quantization = alike["quantization_config"];
  EXPECT_EQ(quantization["quant_method"], "compressed-tensors");
  EXPECT_EQ(quantization["format"], "int-quantized");
  EXPECT_EQ(quantization["ignore"], Json({"lm_head"}));
  EXPECT_EQ(quantization["config_groups"]["group_0"]["targets"], Json({"Linear"}));
  EXPECT_EQ(quantization["config_groups"]["group_0"]["input_activations"]["symmetric"], false);
  EXPECT_EQ(quantization["kv_cache_scheme"]["dynamic"], true);
  const Json mixed = config(true)["quantization_config"];
  EXPECT_EQ(mixed["format"], "mixed-precision");
  EXPECT_EQ(mixed["config_groups"]["group_0"]["targets"], Json({"model.layers.0.mlp.up_proj"}));
  EXPECT_EQ(mixed["config_groups"]["group_1"]["targets"], Json({"model.layers.0.mlp.down_proj"}));
  EXPECT_EQ(mixed["config_groups"]["group_1"]["format"], "pack-quantized");
}

TEST(FolderWriter, NamesAQuantisedHeadWhichIsNoLinearToVllm) {
  const Numbers numbers = {std::vector<int8_t>(64, 1), std::vector<float>(8, 0.5F), {}};
  const TemporaryFolder temporary;
  QuantizedFolderWriter writer(temporary / "x");
  for (const char* module : {"model.layers.0.mlp.up_proj.weight", "lm_head.weight"})
    writer.add_quantized(weight_of(module, 8, 8, {}, numbers));
  writer.finish(Json::object());
  const Json config = json_of(temporary / "x" / "config.json")["quantization_config"];
  EXPECT_EQ(config["config_groups"]["group_0"]["targets"], Json({"Linear", "lm_head"}));
  EXPECT_EQ(config["ignore"], Json::array());
}

TEST(FolderWriter, LeavesOutZerosOfWhatWasPrunedWhereThatTakesLess) {
  Numbers numbers = {std::vector<int8_t>(4 * 256, 0), std::vector<float>(4, 0.5F), {}};
  for (size_t i = 0; i < numbers.values.size(); i += 2) numbers.values[i] = static_cast<int8_t>(i % 127 + 1);
  const auto named = [&](const std::string& name, int64_t row_kept) {
    QuantizedWeight weight = weight_of("model.layers.0.mlp." + name + ".weight", 4, 256, {}, numbers);
    weight.rows.mode = ActivationQuant::kPerToken;
    weight.row_kept = row_kept;
    return weight;
  };
  const TemporaryFolder temporary;
  QuantizedFolderWriter writer(temporary / "x");
  writer.add_quantized(named("up_proj", 128));
  writer.add_quantized(named("gate_proj", 0));
  const Numbers few = {std::vector<int8_t>(16, 1), std::vector<float>(4, 0.5F), {}};
  QuantizedWeight small = weight_of("model.layers.0.mlp.down_proj.weight", 4, 4, {}, few);
  small.rows.mode = ActivationQuant::kPerToken;
  small.row_kept = 2;
  writer.add_quantized(small);
  writer.finish(Json::object());
  const OpenCheckpoint checkpoint = test::open_checkpoint(temporary / "x");
  EXPECT_TRUE(checkpoint.tensors.contains("model.layers.0.mlp.up_proj.compressed"));
  EXPECT_FALSE(checkpoint.tensors.contains("model.layers.0.mlp.up_proj.weight"));
  EXPECT_TRUE(checkpoint.tensors.contains("model.layers.0.mlp.gate_proj.weight")) << "nobody pruned it";
  EXPECT_TRUE(checkpoint.tensors.contains("model.layers.0.mlp.down_proj.weight")) << "offsets take more";
  const Json sparsity = json_of(temporary / "x" / "config.json")["quantization_config"]["sparsity_config"];
  EXPECT_EQ(sparsity["format"], "sparse-bitmask");
  EXPECT_EQ(sparsity["targets"], Json::array({"Linear"}));
  EXPECT_EQ(sparsity["ignore"],
            Json::array({"model.layers.0.mlp.gate_proj", "model.layers.0.mlp.down_proj"}));
  EXPECT_EQ(sparsity["global_sparsity"], 0.5);
  const FoundWeights found = find_quantized(config_of(temporary / "x"), checkpoint.tensors);
  EXPECT_TRUE(numbers_of(found.at("model.layers.0.mlp.up_proj.weight").weight) == numbers);
  EXPECT_EQ(found.at("model.layers.0.mlp.up_proj.weight").weight.row_kept, 128);
}

TEST(FolderWriter, WritesALargeMatrixPieceByPiece) {
  // More than one batch of pieces, with an odd rest: rows of 3 words, some 23 MB of numbers.
  constexpr int64_t kOut = 1'000'003;
  constexpr int64_t kIn = 23;
  Numbers numbers;
  for (int64_t i = 0; i < kOut * kIn; ++i) numbers.values.push_back(static_cast<int8_t>(i * 7 % 16 - 8));
  for (int64_t i = 0; i < kOut; ++i) {
    numbers.scales.push_back(static_cast<float>(i % 1000) * 0.25F);
    numbers.zeros.push_back(static_cast<int8_t>(i % 16 - 8));
  }
  const TemporaryFolder temporary;
  QuantizedFolderWriter writer(temporary / "x");
  writer.add_quantized(weight_of("m.weight", kOut, kIn, {4, 0, true}, numbers));
  writer.finish(Json::object());
  const OpenCheckpoint checkpoint = test::open_checkpoint(temporary / "x");
  const FoundWeights found = find_quantized(config_of(temporary / "x"), checkpoint.tensors);
  EXPECT_TRUE(numbers_of(found.at("m.weight").weight) == numbers);
}

TEST(FolderWriter, LeavesNothingWhereItIsNotFinished) {
  const TemporaryFolder temporary;
  {
    QuantizedFolderWriter writer(temporary / "x");
    const float one = 1.0F;
    writer.add_plain("a", {&one, DType::kF32, {1}});
    EXPECT_FALSE(fs::exists(temporary / "x"));
    EXPECT_EQ(names_in(temporary.path()).size(), 1U);
  }
  EXPECT_THAT(names_in(temporary.path()), IsEmpty());
}

TEST(FolderWriter, TakesAnEmptyFolderAndRefusesWhatIsThere) {
  const TemporaryFolder temporary;
  fs::create_directory(temporary / "empty");
  QuantizedFolderWriter(temporary / "empty/").finish(Json::object());
  EXPECT_TRUE(fs::exists(temporary / "empty" / "config.json"));
  const std::string expected = ": is there already, expected the name of a new or empty folder";
  EXPECT_EQ(error_of([&] { QuantizedFolderWriter(temporary / "empty"); }),
            (temporary / "empty").string() + expected);
  const fs::path file = temporary.write("file", "x");
  EXPECT_EQ(error_of([&] { QuantizedFolderWriter writer(file); }), file.string() + expected);
  const std::string nowhere = (temporary / "no" / "where").string();
  EXPECT_THAT(error_of([&] { QuantizedFolderWriter writer(nowhere); }),
              testing::MatchesRegex(nowhere + ".partial-[0-9]+: cannot be made: No such file or directory"));
}

TEST(FolderWriter, CopiesWhatBelongsToACheckpointButWeightsAndConfig) {
  const TemporaryFolder temporary;
  const TemporaryFolder model;
  for (const char* name :
       {"tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja",
        "LICENSE.txt", "model.safetensors", "config.json", "README.md", "pytorch_model.bin"})
    (void)model.write(name, name);
  QuantizedFolderWriter writer(temporary / "x");
  writer.copy_texts(model.path());
  writer.finish(Json::object());
  EXPECT_THAT(names_in(temporary / "x"),
              UnorderedElementsAre("tokenizer.json", "tokenizer_config.json", "generation_config.json",
                                   "chat_template.jinja", "LICENSE.txt", "config.json"));
  EXPECT_EQ(read_file(temporary / "x" / "tokenizer.json", 100), "tokenizer.json");
}

TEST(FolderWriter, RefusesWhatTheFormatHasNot) {
  const TemporaryFolder temporary;
  QuantizedFolderWriter writer(temporary / "x");
  const Numbers negative = {{1, 2}, {-0.5F}, {}};
  EXPECT_EQ(error_of([&] {
              writer.add_quantized(weight_of("m.weight", 1, 2, {8, 0, false}, negative));
            }),
            "the tensor \"m.weight_scale\" would hold the scale -0.5, expected a finite number that is not "
            "negative");
  const float one = 1.0F;
  const std::string name(1001, 'n');
  EXPECT_EQ(error_of([&] {
              writer.add_plain(name, {&one, DType::kF32, {1}});
            }),
            "the name " + in_quotes(name) + " of a tensor has 1001 bytes, expected at most 1000");
}

}  // namespace
}  // namespace caravan
