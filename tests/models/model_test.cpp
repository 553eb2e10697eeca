// Which weights a model takes from a checkpoint, and what it says of those that do not fit.
#include "models/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/safetensors.h"
#include "support/paths.h"

namespace caravan {
namespace {

using testing::HasSubstr;

constexpr const char* kConfig = R"({
  "architectures": ["LlamaForCausalLM"], "hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1,
  "num_attention_heads": 2, "vocab_size": 8, "max_position_embeddings": 16, "rms_norm_eps": 1e-5,
  "hidden_act": "silu", "tie_word_embeddings": TIED})";

using Shapes = std::map<std::string, Shape>;

/// The weights that kConfig describes, without head and embedding.
Shapes layer_shapes() {
  const std::string layer = "model.layers.0.";
  return {{layer + "input_layernorm.weight", {4}},     {layer + "post_attention_layernorm.weight", {4}},
          {layer + "self_attn.q_proj.weight", {4, 4}}, {layer + "self_attn.k_proj.weight", {4, 4}},
          {layer + "self_attn.v_proj.weight", {4, 4}}, {layer + "self_attn.o_proj.weight", {4, 4}},
          {layer + "mlp.gate_proj.weight", {6, 4}},    {layer + "mlp.up_proj.weight", {6, 4}},
          {layer + "mlp.down_proj.weight", {4, 6}},    {"model.norm.weight", {4}}};
}

class ModelTest : public testing::Test {
 protected:
  void write(const Shapes& shapes, bool tied) const {
    std::string config = kConfig;
    config.replace(config.find("TIED"), 4, tied ? "true" : "false");
    static_cast<void>(folder_.write("config.json", config));
    std::vector<TensorToWrite> tensors;
    size_t elements = 0;
    for (const auto& [name, shape] : shapes) {
      tensors.push_back({name, DType::kF32, shape});
      elements += static_cast<size_t>(shape.elements());
    }
    const std::string data(elements * sizeof(float), '\0');
    static_cast<void>(folder_.write("model.safetensors", safetensors_header(tensors, {}) + data));
  }

  /// What loading says, or "loaded".
  [[nodiscard]] std::string outcome() const {
    try {
      static_cast<void>(load_model(folder_.path(), {}));
      return "loaded";
    } catch (const Error& error) {
      return error.what();
    }
  }

  test::TemporaryFolder folder_;
};

Shapes with(Shapes shapes, const std::string& name, const Shape& shape) {
  shapes[name] = shape;
  return shapes;
}

TEST_F(ModelTest, LoadsATiedModelUnderEitherName) {
  for (const char* name : {"model.embed_tokens.weight", "lm_head.weight"}) {
    write(with(layer_shapes(), name, {8, 4}), true);
    EXPECT_EQ(outcome(), "loaded") << name;
  }
}

TEST_F(ModelTest, TakesTheEmbeddingOfATiedModelThatStoresBoth) {
  write(with(with(layer_shapes(), "model.embed_tokens.weight", {8, 4}), "lm_head.weight", {8, 4}), true);
  EXPECT_EQ(outcome(), "loaded");
}

TEST_F(ModelTest, NeedsBothTablesWhenTheyAreNotTied) {
  write(with(layer_shapes(), "model.embed_tokens.weight", {8, 4}), false);
  EXPECT_THAT(outcome(), HasSubstr("\"lm_head.weight\""));
}

TEST_F(ModelTest, IgnoresTheRotaryFrequenciesOfOldCheckpoints) {
  Shapes shapes = with(layer_shapes(), "model.embed_tokens.weight", {8, 4});
  write(with(shapes, "model.layers.0.self_attn.rotary_emb.inv_freq", {1}), true);
  EXPECT_EQ(outcome(), "loaded");
}

TEST_F(ModelTest, RefusesAWeightThatNothingReads) {
  Shapes shapes = with(layer_shapes(), "model.embed_tokens.weight", {8, 4});
  shapes = with(shapes, "model.layers.0.self_attn.q_proj.bias", {4});
  write(with(shapes, "model.layers.1.input_layernorm.weight", {4}), true);
  EXPECT_THAT(outcome(),
              HasSubstr("the weight \"model.layers.0.self_attn.q_proj.bias\" (and 1 more) is not part of a "
                        "LlamaForCausalLM as its config describes it"));
}

TEST_F(ModelTest, NamesAMissingWeight) {
  Shapes shapes = with(layer_shapes(), "model.embed_tokens.weight", {8, 4});
  shapes.erase("model.layers.0.mlp.up_proj.weight");
  write(shapes, true);
  EXPECT_THAT(outcome(), HasSubstr("\"model.layers.0.mlp.up_proj.weight\""));
}

TEST_F(ModelTest, NamesAWeightWhoseShapeContradictsTheConfig) {
  write(with(layer_shapes(), "model.embed_tokens.weight", {9, 4}), true);
  EXPECT_THAT(outcome(), HasSubstr("\"model.embed_tokens.weight\" has shape [9, 4], expected [8, 4]"));
}

TEST_F(ModelTest, CountsTheBytesOfATiedTableOnce) {
  write(with(layer_shapes(), "model.embed_tokens.weight", {8, 4}), true);
  const Model model = load_model(folder_.path(), {});
  EXPECT_EQ(model.weight_bytes(), static_cast<uint64_t>(model.config.parameters()) * sizeof(float));
}

TEST_F(ModelTest, TakesNoWeightOnceItIsToldToStop) {
  write(with(layer_shapes(), "model.embed_tokens.weight", {8, 4}), true);
  std::stop_source source;
  LoadOptions options;
  options.before_weights = [&source](uint64_t /*bytes*/, const Precision& /*precision*/) {
    source.request_stop();
  };
  options.stop = source.get_token();
  EXPECT_THROW(static_cast<void>(load_model(folder_.path(), options)), LoadStopped);
}

TEST_F(ModelTest, ConvertsToTheDtypeThatIsAskedForAndKeepsNormsInFp32) {
  write(with(layer_shapes(), "model.embed_tokens.weight", {8, 4}), true);
  const Model model = load_model(folder_.path(), {.dtype = DType::kBF16});
  ASSERT_EQ(model.weights.size(), model.graph.weights.size());
  for (size_t i = 0; i < model.weights.size(); ++i) {
    const bool norm = model.weights[i].shape.rank() == 1;
    EXPECT_EQ(model.weights[i].dtype, norm ? DType::kF32 : DType::kBF16)
        << model.graph.weights[i].sources[0].names[0];
  }
}

/// A GGUF file of a fixture gives the weights of its folder, in whatever layout the passes ask for, to the
/// bit.
class GgufModelTest : public testing::TestWithParam<std::string> {};

TEST_P(GgufModelTest, HasTheWeightsOfTheFolder) {
  const std::filesystem::path file = test::fixture("gguf/" + GetParam() + ".gguf");
  const std::filesystem::path folder = test::fixture("models/" + GetParam());
  for (const bool compile : {false, true}) {
    for (const DType dtype : {DType::kF32, DType::kBF16}) {
      const LoadOptions options = {.dtype = dtype, .compile = compile};
      const Model found = load_model(file, options);
      const Model expected = load_model(folder, options);
      ASSERT_EQ(found.weights.size(), expected.weights.size());
      for (size_t i = 0; i < found.weights.size(); ++i) {
        ASSERT_EQ(found.weights[i].shape, expected.weights[i].shape);
        EXPECT_EQ(std::memcmp(found.weights[i].data, expected.weights[i].data, found.weights[i].bytes()), 0)
            << found.graph.weights[i].sources.front().names.front() << " in " << name_of(dtype);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, GgufModelTest,
                         testing::Values("fp16", "bf16", "biases", "rope_llama3", "mixtral", "qwen2_moe",
                                         "qwen2_moe_step"),
                         [](const auto& test) { return test.param; });

/// What loading a quantised fixture says where its inputs are to be quantised token by token; "loaded" if
/// nothing.
std::string outcome_with_rows(const std::string& fixture) {
  const std::filesystem::path from = test::fixture("quantized/" + fixture);
  const test::TemporaryFolder folder;
  std::string config = read_file(from / "config.json", uint64_t{1} << 20U);
  const std::string none = R"("input_activations": null)";
  config.replace(
      config.find(none), none.size(),
      R"("input_activations": {"num_bits": 8, "type": "int", "strategy": "token", "dynamic": true})");
  static_cast<void>(folder.write("config.json", config));
  std::filesystem::copy_file(from / "model.safetensors", folder / "model.safetensors");
  try {
    static_cast<void>(load_model(folder.path(), {}));
    return "loaded";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(QuantizedModelFile, MayHaveFourBitsBesideQuantisedInputsWithoutZeroPoints) {
  EXPECT_EQ(outcome_with_rows("pack4"), "loaded");
  EXPECT_THAT(
      outcome_with_rows("pack4_asymmetric"),
      testing::EndsWith("is of 4 bits in groups of 16 with zero points for quantised activations, expected "
                        "8 bits with a scale for each output, or 4 bits in groups of a multiple of 4, both "
                        "symmetric"));
}

TEST(GgufModel, IsLoadedInTheDtypeThatItIsStoredIn) {
  const auto dtype_of_file = [](const std::string& name) {
    return load_model(test::fixture("gguf/" + name + ".gguf"), {}).dtype;
  };
  EXPECT_EQ(dtype_of_file("fp16"), DType::kF16);
  EXPECT_EQ(dtype_of_file("bf16"), DType::kBF16);
  EXPECT_EQ(dtype_of_file("biases"), DType::kF32);
  EXPECT_EQ(dtype_of_file("q4_k_m"), DType::kBF16);
}

TEST(GgufModel, KeepsItsBlocksAboutAsSmallAsTheyAre) {
  const Model model = load_model(test::fixture("gguf/q4_k_m.gguf"), {});
  const auto bytes_of = [&](const std::string& name) {
    for (size_t i = 0; i < model.weights.size(); ++i) {
      const WeightSpec& spec = model.graph.weights[i];
      if (spec.sources.front().names.front() == "model.layers.0." + name + ".weight" && spec.format)
        return static_cast<double>(model.weights[i].bytes());
    }
    ADD_FAILURE() << name << " is not quantised";
    return 0.0;
  };
  // Of 64 outputs, to which panels are filled up, by 256 inputs. What a file has beside its numbers a chunk
  // has too, but whole bytes for multiples; numbers of 5 and 6 bits take 8.
  EXPECT_EQ(bytes_of("self_attn.q_proj"), 64 * 256 * 4.625 / 8) << "Q4_K, 4.5 bits in the file";
  EXPECT_EQ(bytes_of("self_attn.v_proj"), 64 * 256 * 8.5625 / 8) << "Q6_K, 6.5625 bits in the file";
  EXPECT_EQ(bytes_of("mlp.up_proj"), 64 * 256 * 8.625 / 8) << "Q5_K, 5.5 bits in the file";
}

}  // namespace
}  // namespace caravan
