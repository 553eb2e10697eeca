// Weights from GGUF files: the numbers, names and order that a folder with safetensors would give.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"
#include "checkpoint/gguf_weights.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/weight_store.h"
#include "support/errors.h"
#include "support/gguf_builder.h"
#include "support/paths.h"

namespace caravan {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::Pair;

bool same_bytes(const ConstTensorView& a, const ConstTensorView& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::memcmp(a.data, b.data, a.bytes()) == 0;
}

/// The shapes of all tensors in the safetensors file of `folder`.
std::vector<StoredTensor> tensors_of(const std::filesystem::path& folder) {
  const MappedFile file(folder / "model.safetensors");
  return parse_safetensors_header(file.bytes(), file.bytes().size(), file.path().string()).tensors;
}

TEST(GgufNames, BecomeHuggingFaces) {
  const auto name = [](const char* gguf) { return hugging_face_name(gguf, GgufArchitecture::kLlama); };
  EXPECT_EQ(name("token_embd.weight"), "model.embed_tokens.weight");
  EXPECT_EQ(name("output.weight"), "lm_head.weight");
  EXPECT_EQ(name("output_norm.weight"), "model.norm.weight");
  EXPECT_EQ(name("blk.12.attn_q.bias"), "model.layers.12.self_attn.q_proj.bias");
  EXPECT_EQ(name("blk.0.ffn_norm.weight"), "model.layers.0.post_attention_layernorm.weight");
  for (const char* own : {"rope_freqs.weight", "blk.0.ffn_gate_exps.weight", "blk.0.ffn_up_shexp.weight",
                          "blk.0.ffn_gate.x.weight", "blk.0.ffn_gate..weight", "blk.0.attn_q.3.weight",
                          "blk.0", "blk.", "x", ""})
    EXPECT_EQ(name(own), own);
}

TEST(GgufNames, OfExpertsAreThoseOfTheirArchitecture) {
  const auto both = [](const std::string& gguf) {
    return std::pair(hugging_face_name(gguf, GgufArchitecture::kLlama),
                     hugging_face_name(gguf, GgufArchitecture::kQwen2Moe));
  };
  const std::string layer = "model.layers.7.";
  EXPECT_THAT(both("blk.7.ffn_gate_inp.weight"),
              Pair(layer + "block_sparse_moe.gate.weight", layer + "mlp.gate.weight"));
  EXPECT_THAT(both("blk.7.ffn_gate.10.weight"), Pair(layer + "block_sparse_moe.experts.10.w1.weight",
                                                     layer + "mlp.experts.10.gate_proj.weight"));
  EXPECT_THAT(both("blk.7.ffn_up.0.weight"),
              Pair(layer + "block_sparse_moe.experts.0.w3.weight", layer + "mlp.experts.0.up_proj.weight"));
  EXPECT_THAT(both("blk.7.ffn_down.0.weight"),
              Pair(layer + "block_sparse_moe.experts.0.w2.weight", layer + "mlp.experts.0.down_proj.weight"));
  EXPECT_THAT(both("blk.7.ffn_down_shexp.weight"),
              Pair("blk.7.ffn_down_shexp.weight", layer + "mlp.shared_expert.down_proj.weight"));
  EXPECT_THAT(both("blk.7.ffn_gate_inp_shexp.weight"),
              Pair("blk.7.ffn_gate_inp_shexp.weight", layer + "mlp.shared_expert_gate.weight"));
}

/// The GGUF file of a fixture, and the folder with the same weights.
struct Pairing {
  std::string gguf;
  std::filesystem::path folder;
  DType stored;  ///< what most elements are, or become
};

void PrintTo(const Pairing& pairing, std::ostream* out) { *out << pairing.gguf; }

class GgufStoreTest : public testing::TestWithParam<Pairing> {
 protected:
  [[nodiscard]] WeightStore gguf() const {
    return WeightStore::open(test::fixture("gguf/" + GetParam().gguf + ".gguf"), LoadFormat::kAuto);
  }
  [[nodiscard]] WeightStore folder() const { return WeightStore::open(GetParam().folder, LoadFormat::kAuto); }
};

TEST_P(GgufStoreTest, HoldsTheSameNumbersUnderTheSameNames) {
  WeightStore from_gguf = gguf();
  WeightStore from_folder = folder();
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const StoredTensor& tensor : tensors_of(GetParam().folder)) {
      EXPECT_TRUE(same_bytes(from_gguf.take(tensor.name, tensor.shape, dtype),
                             from_folder.take(tensor.name, tensor.shape, dtype)))
          << tensor.name << " in " << name_of(dtype);
    }
  }
  std::vector<std::string> unused = from_gguf.unused();
  std::erase(unused, "rope_freqs.weight");
  EXPECT_THAT(unused, testing::IsEmpty());
  EXPECT_EQ(from_gguf.stored_dtype(DType::kI8), GetParam().stored);
}

TEST_P(GgufStoreTest, PacksTheSamePanels) {
  WeightStore from_gguf = gguf();
  WeightStore from_folder = folder();
  const std::string layer = "model.layers.0.";
  std::vector<WeightPart> qkv;
  std::vector<WeightPart> mlp;
  int64_t hidden = 0;
  for (const char* module :
       {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"}) {
    for (const StoredTensor& tensor : tensors_of(GetParam().folder)) {
      if (tensor.name != layer + module + ".weight") continue;
      hidden = tensor.shape[1];
      (std::string(module).starts_with("mlp") ? mlp : qkv).push_back({tensor.name, tensor.shape[0]});
    }
  }
  ASSERT_EQ(qkv.size(), 3U);
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    EXPECT_TRUE(same_bytes(from_gguf.take_panels(qkv, hidden, dtype, false),
                           from_folder.take_panels(qkv, hidden, dtype, false)));
    if (mlp.empty()) continue;  // a mixture of experts
    EXPECT_TRUE(same_bytes(from_gguf.take_panels(mlp, hidden, dtype, true),
                           from_folder.take_panels(mlp, hidden, dtype, true)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, GgufStoreTest,
    testing::Values(Pairing{"fp16", test::fixture("models/fp16"), DType::kF16},
                    Pairing{"bf16", test::fixture("models/bf16"), DType::kBF16},
                    Pairing{"biases", test::fixture("models/biases"), DType::kF32},
                    Pairing{"rope_llama3", test::fixture("models/rope_llama3"), DType::kF32},
                    Pairing{"mixtral", test::fixture("models/mixtral"), DType::kF32},
                    Pairing{"qwen2_moe", test::fixture("models/qwen2_moe"), DType::kF32},
                    Pairing{"mixtral_q8_0", test::fixture("gguf/mixtral_q8_0"), DType::kBF16},
                    Pairing{"mixtral_q4_k_m", test::fixture("gguf/mixtral_q4_k_m"), DType::kBF16},
                    Pairing{"q8_0", test::fixture("gguf/q8_0"), DType::kBF16},
                    Pairing{"q4_k_m", test::fixture("gguf/q4_k_m"), DType::kBF16}),
    [](const auto& test) { return test.param.gguf; });

TEST(GgufStore, MapsWhatLiesInOrderInItsDtype) {
  const WeightStore store = WeightStore::open(test::fixture("gguf/bf16.gguf"), LoadFormat::kAuto);
  EXPECT_TRUE(store.is_mapped_as("model.layers.0.mlp.up_proj.weight", DType::kBF16));
  EXPECT_FALSE(store.is_mapped_as("model.layers.0.mlp.up_proj.weight", DType::kF16));
  EXPECT_FALSE(store.is_mapped_as("model.layers.0.self_attn.q_proj.weight", DType::kBF16));
  EXPECT_TRUE(store.is_mapped_as("model.layers.0.self_attn.v_proj.weight", DType::kBF16));
  EXPECT_TRUE(store.is_mapped_as("model.norm.weight", DType::kF32));
  const WeightStore blocks = WeightStore::open(test::fixture("gguf/q8_0.gguf"), LoadFormat::kAuto);
  EXPECT_FALSE(blocks.is_mapped_as("model.layers.0.self_attn.v_proj.weight", DType::kBF16));
}

TEST(GgufStore, SaysWhichTypesItHolds) {
  const WeightStore store = WeightStore::open(test::fixture("gguf/q4_k_m.gguf"), LoadFormat::kAuto);
  EXPECT_THAT(store.bytes_by_dtype(),
              ElementsAre(Pair("F16", 8192U), Pair("F32", 3072U), Pair("Q4_K", 8064U), Pair("Q5_0", 5632U),
                          Pair("Q5_K", 5632U), Pair("Q6_K", 15120U)));
}

TEST(GgufStore, NamesFileAndTensorInWhatItRefuses) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "m.gguf";
  const auto refusal = [&](const test::GgufBuilder& builder, const std::string& name, const Shape& shape) {
    static_cast<void>(folder.write("m.gguf", builder.bytes()));
    const std::string message =
        error_of([&] { WeightStore::open(path, LoadFormat::kAuto).take(name, shape, DType::kF32); });
    return message.starts_with(path.string()) ? message.substr(path.string().size() + 2) : message;
  };
  const std::string norm = "model.norm.weight";
  const std::string zeros(64, '\0');
  EXPECT_EQ(refusal(test::tiny_llama().tensor("output_norm.weight", {8}, 0, zeros.substr(0, 32)), norm, {8}),
            "no Error");
  EXPECT_EQ(refusal(test::tiny_llama().tensor("output_norm.weight", {8}, 0, zeros.substr(0, 32)), norm, {9}),
            "the tensor \"model.norm.weight\" has shape [8], expected [9] by its metadata");
  EXPECT_EQ(refusal(test::tiny_llama(), norm, {8}), "the weight files hold no tensor \"model.norm.weight\"");
  EXPECT_EQ(
      refusal(test::tiny_llama().tensor("output_norm.weight", {32}, 8, zeros.substr(0, 34)), norm, {32}),
      "the tensor \"model.norm.weight\" is stored as \"Q8_0\", expected F32, F16 or BF16");
  EXPECT_EQ(
      refusal(test::tiny_llama().tensor("output.weight", {32, 2}, 20, zeros.substr(0, 36)), "lm_head.weight",
              {2, 32}),
      "the tensor \"lm_head.weight\" is stored as \"IQ4_NL\", expected F32, F16 or BF16 or Q4_0 or Q4_1 "
      "or Q5_0 or Q5_1 or Q8_0 or Q4_K or Q5_K or Q6_K");
}

/// A block of `bytes` bytes whose fp16 number at `place` is infinite.
std::string infinite_block(size_t bytes, size_t place) {
  std::string block(bytes, '\0');
  block.replace(place, 2, test::raw(uint16_t{0x7C00}));
  return block;
}

TEST(GgufStore, RefusesInfiniteScalesAndMinimums) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](uint32_t type, uint64_t width, const std::string& block) {
    const std::string rows = std::string(block.size(), '\0') + block;
    const std::filesystem::path path =
        folder.write("m.gguf", test::tiny_llama().tensor("output.weight", {width, 2}, type, rows).bytes());
    WeightStore store = WeightStore::open(path, LoadFormat::kAuto);
    store.find_quantized(std::nullopt);
    const QuantizedWeight& weight = *store.quantized().at(0);
    const std::string message = error_of([&] {
      store.take_quantized({{"lm_head.weight", 2}}, weight.in,
                           {weight.quant, weight.rows, weight.scale, DType::kBF16}, false);
    });
    return message.starts_with(path.string()) ? message.substr(path.string().size() + 2) : message;
  };
  const std::string scale =
      "the tensor \"lm_head.weight\" holds the scale inf for row 1, expected a finite number";
  EXPECT_EQ(refusal(2, 32, infinite_block(18, 0)), scale) << "Q4_0";
  EXPECT_EQ(refusal(12, 256, infinite_block(144, 0)), scale) << "Q4_K";
  EXPECT_EQ(refusal(14, 256, infinite_block(210, 208)), scale) << "Q6_K";
  EXPECT_EQ(refusal(12, 256, infinite_block(144, 2)),
            "the tensor \"lm_head.weight\" holds the minimum inf for row 1, expected a finite number");
  EXPECT_EQ(refusal(3, 32, infinite_block(20, 2)),
            "the tensor \"lm_head.weight\" holds the minimum -inf for row 1, expected a finite number")
      << "Q4_1, whose minimum is added";
  EXPECT_EQ(refusal(12, 256, std::string(144, '\0')), "no Error");
}

TEST(GgufStore, NeedsTheNumberOfHeadsToRestoreTheOrderOfRows) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](test::GgufBuilder builder, uint64_t rows) {
    builder.tensor("blk.0.attn_k.weight", {2, rows}, 0, std::string(rows * 8, '\0'));
    const std::filesystem::path path = folder.write("m.gguf", builder.bytes());
    const std::string message = error_of([&] { WeightStore::open(path, LoadFormat::kAuto); });
    return message.starts_with(path.string()) ? message.substr(path.string().size() + 2) : message;
  };
  EXPECT_EQ(refusal(test::tiny_llama(), 4), "no Error");
  EXPECT_EQ(
      refusal(test::tiny_llama(), 6),
      "the tensor \"blk.0.attn_k.weight\" has 6 rows, expected an even number for each of the 2 heads of "
      "\"llama.attention.head_count_kv\"");
  EXPECT_EQ(refusal(test::GgufBuilder().text("general.architecture", "llama"), 4),
            "field \"llama.attention.head_count\" is missing, expected an integer from 1 to 2147483647");
}

TEST(GgufStore, TakesExpertsOneByOneFromOlderFiles) {
  const test::TemporaryFolder folder;
  test::GgufBuilder builder = test::tiny_llama();
  builder.number("llama.expert_count", 2);
  for (uint8_t expert = 0; expert < 2; ++expert) {
    builder.tensor("blk.0.ffn_up." + std::to_string(expert) + ".weight", {2, 1}, 0,
                   test::raw(1.0F + static_cast<float>(expert)) + test::raw(0.5F));
  }
  WeightStore store = WeightStore::open(folder.write("m.gguf", builder.bytes()), LoadFormat::kAuto);
  EXPECT_EQ(
      store.take("model.layers.0.block_sparse_moe.experts.1.w3.weight", {1, 2}, DType::kF32).as<float>()[0],
      2.0F);
}

TEST(GgufStore, RefusesStacksThatAreNotOneMatrixForEachExpert) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](test::GgufBuilder builder, const std::vector<uint64_t>& sizes) {
    uint64_t elements = 1;
    for (const uint64_t size : sizes) elements *= size;
    builder.tensor("blk.1.ffn_down_exps.weight", sizes, 0, std::string(elements * 4, '\0'));
    const std::filesystem::path path = folder.write("m.gguf", builder.bytes());
    const std::string message = error_of([&] { WeightStore::open(path, LoadFormat::kAuto); });
    return message.starts_with(path.string()) ? message.substr(path.string().size() + 2) : message;
  };
  const auto mixture = [](uint32_t experts) {
    return test::tiny_llama().number("llama.expert_count", experts);
  };
  const std::string tensor = "the tensor \"blk.1.ffn_down_exps.weight\" has shape ";
  const std::string expected = ", expected a matrix for each of the 3 experts of \"llama.expert_count\"";
  EXPECT_EQ(refusal(mixture(3), {4, 2, 3}), "no Error");
  EXPECT_EQ(refusal(mixture(3), {4, 2, 2}), tensor + "[2, 2, 4]" + expected);
  EXPECT_EQ(refusal(mixture(3), {4, 3}), tensor + "[3, 4]" + expected);
  EXPECT_EQ(refusal(mixture(3), {4, 1, 1, 3}), tensor + "[3, 1, 1, 4]" + expected);
  EXPECT_EQ(refusal(mixture(3), {4, 0, 3}), tensor + "[3, 0, 4]" + expected);
  EXPECT_EQ(refusal(mixture(0), {4, 2, 3}),
            "field \"llama.expert_count\" is the number 0, expected an integer from 1 to 4096");
  EXPECT_EQ(refusal(test::tiny_llama(), {4, 2, 3}),
            "field \"llama.expert_count\" is missing, expected an integer from 1 to 4096");
}

}  // namespace
}  // namespace caravan
