#include "models/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "support/errors.h"
#include "support/paths.h"

namespace caravan {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::IsEmpty;

/// The fields that a config cannot do without.
Json smallest() {
  return Json::parse(R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 96,
    "num_hidden_layers": 2, "num_attention_heads": 8, "vocab_size": 100})");
}

/// `smallest()` with the fields of `changes`, an object, laid over it.
std::string config_with(const std::string& changes) {
  Json json = smallest();
  const Json over = Json::parse(changes);
  for (const auto& [name, value] : over.items()) json[name] = value;
  return json.dump();
}

ModelConfig parse(const std::string& changes) { return parse_config(config_with(changes), "config.json"); }

TEST(ModelConfig, FillsInWhatAConfigLeavesOut) {
  const ModelConfig config = parse("{}");
  EXPECT_EQ(config.architecture, "LlamaForCausalLM");
  EXPECT_EQ(config.num_kv_heads, 8);
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_EQ(config.max_position, 2048);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.sliding_window, 0);
  EXPECT_EQ(config.dtype, DType::kF32);
  EXPECT_EQ(config.rope.theta, 10000.0);
  EXPECT_EQ(config.rope.scaling, RopeScaling::kNone);
  EXPECT_FALSE(config.tie_word_embeddings || config.attention_bias || config.mlp_bias);
  EXPECT_EQ(config.bos_token, std::nullopt);
  EXPECT_THAT(config.eos_tokens, IsEmpty());
}

TEST(ModelConfig, ReadsEveryField) {
  const ModelConfig config =
      parse(R"({"num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "attention_bias": true, "mlp_bias": true,
    "torch_dtype": "bfloat16", "rope_theta": 500000, "bos_token_id": 1, "eos_token_id": [2, 99],
    "hidden_act": "silu", "pretraining_tp": 4, "pad_token_id": -1, "use_cache": true, "unknown": {}})");
  EXPECT_EQ(config.num_kv_heads, 2);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.max_position, 512);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_TRUE(config.tie_word_embeddings && config.attention_bias && config.mlp_bias);
  EXPECT_EQ(config.dtype, DType::kBF16);
  EXPECT_EQ(config.rope.theta, 500000.0);
  EXPECT_EQ(config.bos_token, 1);
  EXPECT_THAT(config.eos_tokens, ElementsAre(2, 99));
}

TEST(ModelConfig, TakesNullForAbsent) {
  const ModelConfig config = parse(R"({"num_key_value_heads": null, "head_dim": null, "rope_scaling": null,
    "sliding_window": null, "quantization_config": null, "bos_token_id": null, "eos_token_id": null})");
  EXPECT_EQ(config.num_kv_heads, 8);
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_THAT(config.eos_tokens, IsEmpty());
}

TEST(ModelConfig, ReadsTheDtypeUnderBothNamesTheNewerFirst) {
  EXPECT_EQ(parse(R"({"dtype": "float16"})").dtype, DType::kF16);
  EXPECT_EQ(parse(R"({"torch_dtype": "float16"})").dtype, DType::kF16);
  EXPECT_EQ(parse(R"({"dtype": "float16", "torch_dtype": "bfloat16"})").dtype, DType::kF16);
}

TEST(ModelConfig, KnowsTheArchitectureByEitherFieldAndTheOldSpelling) {
  EXPECT_EQ(parse(R"({"architectures": null, "model_type": "mistral"})").architecture, "MistralForCausalLM");
  EXPECT_EQ(parse(R"({"architectures": [], "model_type": "llama"})").architecture, "LlamaForCausalLM");
  EXPECT_EQ(parse(R"({"architectures": ["LLaMAForCausalLM"]})").architecture, "LlamaForCausalLM");
}

TEST(ModelConfig, GivesMistralItsOwnDefaults) {
  const auto mistral = [](const std::string& more) {
    return parse(R"({"architectures": ["MistralForCausalLM"], "num_attention_heads": 16)" + more + "}");
  };
  EXPECT_EQ(mistral("").num_kv_heads, 8);
  EXPECT_EQ(mistral(R"(, "num_key_value_heads": null)").num_kv_heads, 16);
  EXPECT_EQ(mistral("").max_position, 131072);
  EXPECT_EQ(mistral("").sliding_window, 4096);
  EXPECT_EQ(mistral(R"(, "sliding_window": null)").sliding_window, 0);
  EXPECT_EQ(mistral(R"(, "sliding_window": 100)").sliding_window, 100);
  EXPECT_EQ(mistral(R"(, "sliding_window": 100, "use_sliding_window": false)").sliding_window, 0);
}

TEST(ModelConfig, DoesNotUseASlidingWindowThatLlamaDoesNotHave) {
  EXPECT_EQ(parse(R"({"sliding_window": 4096})").sliding_window, 0);
}

TEST(ModelConfig, TakesLayerTypesThatSayWhatTheWindowSays) {
  EXPECT_EQ(parse(R"({"layer_types": ["full_attention", "full_attention"]})").num_layers, 2);
  EXPECT_EQ(parse(R"({"architectures": ["MistralForCausalLM"], "layer_types": ["sliding_attention"]})")
                .sliding_window,
            4096);
}

struct BadConfig {
  std::string changes;
  std::string message;  ///< after "config.json: "
};

TEST(ModelConfig, RefusesWhatItDoesNotSupportOrCannotBe) {
  const std::vector<BadConfig> cases = {
      {R"({"architectures": ["Qwen2ForCausalLM"]})",
       "field \"architectures\" names the string \"Qwen2ForCausalLM\", expected LlamaForCausalLM, "
       "MistralForCausalLM, MixtralForCausalLM or Qwen2MoeForCausalLM, the architectures that Caravan "
       "supports"},
      {R"({"architectures": [3]})",
       "field \"architectures\" names the number 3, expected LlamaForCausalLM, MistralForCausalLM, "
       "MixtralForCausalLM or Qwen2MoeForCausalLM, the architectures that Caravan supports"},
      {R"({"architectures": "LlamaForCausalLM"})",
       R"(field "architectures" is the string "LlamaForCausalLM", expected an array)"},
      {R"({"architectures": null})", "field \"model_type\" is missing, expected a string"},
      {R"({"architectures": null, "model_type": "gpt2"})",
       "field \"model_type\" is the string \"gpt2\", expected llama, mistral, mixtral or qwen2_moe, the "
       "types that Caravan supports"},
      {R"({"hidden_act": "gelu"})",
       "field \"hidden_act\" is the string \"gelu\", expected silu, the only activation that Caravan "
       "supports"},
      {R"({"quantization_config": {"bits": 4}})",
       "field \"quantization_config.quant_method\" is missing, expected a string"},
      {R"({"hidden_size": null})", "field \"hidden_size\" is missing, expected an integer from 1 to 4194304"},
      {R"({"hidden_size": 0})",
       "field \"hidden_size\" is the number 0, expected an integer from 1 to 4194304"},
      {R"({"hidden_size": 1e3})",
       "field \"hidden_size\" is the number 1000.0, expected an integer from 1 to 4194304"},
      {R"({"intermediate_size": 9223372036854775807})",
       "field \"intermediate_size\" is the number 9223372036854775807, expected an integer from 1 to "
       "4194304"},
      {R"({"num_hidden_layers": 5000})",
       "field \"num_hidden_layers\" is the number 5000, expected an integer from 1 to 4096"},
      {R"({"vocab_size": -1})",
       "field \"vocab_size\" is the number -1, expected an integer from 1 to 268435456"},
      {R"({"max_position_embeddings": 0})",
       "field \"max_position_embeddings\" is the number 0, expected an integer from 1 to 33554432"},
      {R"({"num_key_value_heads": 3})",
       "field \"num_key_value_heads\" is 3, expected a divisor of num_attention_heads, which is 8"},
      {R"({"num_key_value_heads": 16})",
       "field \"num_key_value_heads\" is the number 16, expected an integer from 1 to 8"},
      {R"({"num_attention_heads": 6})",
       "field \"hidden_size\" is 64, expected a multiple of num_attention_heads, which is 6, or a head_dim"},
      {R"({"head_dim": 7})",
       "field \"head_dim\" is 7, expected an even number, because rotary embedding turns pairs"},
      {R"({"hidden_size": 72})",
       "field \"head_dim\" is 9 (hidden_size / num_attention_heads), expected an even number, because rotary "
       "embedding turns pairs"},
      {R"({"head_dim": 4194304})", "num_attention_heads x head_dim is 33554432, expected at most 4194304"},
      {R"({"rms_norm_eps": 0})", "field \"rms_norm_eps\" is the number 0, expected a number from 1e-30 to 1"},
      {R"({"rms_norm_eps": "1e-5"})",
       R"(field "rms_norm_eps" is the string "1e-5", expected a number from 1e-30 to 1)"},
      {R"({"attention_bias": 1})", "field \"attention_bias\" is the number 1, expected true or false"},
      {R"({"torch_dtype": "float64"})",
       R"(field "torch_dtype" is the string "float64", expected float32, float16 or bfloat16)"},
      {R"({"dtype": "int8"})",
       R"(field "dtype" is the string "int8", expected float32, float16 or bfloat16)"},
      {R"({"architectures": ["MistralForCausalLM"], "sliding_window": 0})",
       "field \"sliding_window\" is the number 0, expected an integer from 1 to 33554432"},
      {R"({"layer_types": ["full_attention", "sliding_attention"]})",
       "field \"layer_types\" is an array of 2, expected every layer to be full_attention"},
      {R"({"partial_rotary_factor": 0.5})",
       "field \"partial_rotary_factor\" is the number 0.5, expected 1, because LLaMA-family models rotate "
       "whole heads"},
      {R"({"eos_token_id": 100})",
       "field \"eos_token_id\" is the number 100, expected a token id from 0 to 99, below vocab_size"},
      {R"({"eos_token_id": [2, -1]})",
       "field \"eos_token_id\" is the number -1, expected a token id from 0 to 99, below vocab_size"},
      {R"({"eos_token_id": "</s>"})",
       R"(field "eos_token_id" is the string "</s>", expected a token id from 0 to 99, below vocab_size)"},
      {R"({"bos_token_id": 1.0})",
       "field \"bos_token_id\" is the number 1.0, expected a token id from 0 to 99, below vocab_size"},
  };
  for (const BadConfig& each : cases)
    EXPECT_EQ(error_of([&each] { parse(each.changes); }), "config.json: " + each.message) << each.changes;
}

TEST(ModelConfig, RefusesTextThatIsNoJsonObject) {
  EXPECT_EQ(error_of([] { parse_config("[]", "config.json"); }),
            "config.json: the file is an array of 0, expected an object");
  EXPECT_EQ(error_of([] { parse_config("{", "config.json"); }),
            "config.json: not valid JSON at line 1, column 2: syntax error while parsing object key - "
            "unexpected end "
            "of input; expected string literal");
}

TEST(ModelConfig, CountsEveryKindOfParameter) {
  const ModelConfig plain = parse(R"({"num_key_value_heads": 2, "head_dim": 16})");
  const int64_t attention = 64 * (8 + 2 + 2 + 8) * 16;
  const int64_t mlp = 3 * 64 * 96;
  const int64_t norms = 2 * 64;
  EXPECT_EQ(plain.parameters(), 2 * (attention + mlp + norms) + 2 * 100 * 64 + 64);

  ModelConfig tied = plain;
  tied.tie_word_embeddings = true;
  EXPECT_EQ(plain.parameters() - tied.parameters(), 100 * 64);
  ModelConfig biased = plain;
  biased.attention_bias = true;
  EXPECT_EQ(biased.parameters() - plain.parameters(), 2 * (8 + 2 + 2) * 16);
  biased.output_bias = true;
  EXPECT_EQ(biased.parameters() - plain.parameters(), 2 * ((8 + 2 + 2) * 16 + 64));
  biased = plain;
  biased.mlp_bias = true;
  EXPECT_EQ(biased.parameters() - plain.parameters(), 2 * (2 * 96 + 64));
}

TEST(ModelConfig, CountsTheBytesOfATokensKeysAndValues) {
  const ModelConfig config = parse(R"({"num_key_value_heads": 2, "head_dim": 16})");
  EXPECT_EQ(config.kv_bytes_per_token(DType::kBF16), 2 * 2 * 2 * 16 * 2);
  EXPECT_EQ(config.kv_bytes_per_token(DType::kF32), 2 * config.kv_bytes_per_token(DType::kBF16));
}

TEST(ModelConfig, CountsWithoutOverflowAtTheLargestSizes) {
  const ModelConfig config = parse(R"({"hidden_size": 4194304, "intermediate_size": 4194304,
    "num_hidden_layers": 4096, "num_attention_heads": 32768, "vocab_size": 268435456,
    "max_position_embeddings": 33554432})");
  // 4096 layers of 7 square matrices of 2^44, within 1 %.
  EXPECT_NEAR(static_cast<double>(config.parameters()), 4096.0 * 7.0 * 0x1p44, 0.01 * 4096.0 * 7.0 * 0x1p44);
  EXPECT_EQ(config.kv_bytes_per_token(DType::kF32), int64_t{1} << 37U);
  EXPECT_GT(config.kv_bytes_per_token(DType::kF32) * config.max_position, 0);
}

TEST(LoadConfig, NamesTheFolderOrFileThatIsMissing) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { load_config(folder.path()); }),
            (folder / "config.json").string() + ": cannot be opened: No such file or directory");
  const std::string missing = (folder / "missing").string();
  EXPECT_EQ(error_of([&] { load_config(missing); }), "model path: there is no folder \"" + missing + "\"");
}

TEST(LoadConfig, ReadsTheStoryCheckpoint) {
  const auto folder = test::shared("models/story");
  if (!folder) GTEST_SKIP() << "this checkout has no ../shared/models/story";
  const ModelConfig config = load_config(*folder);
  EXPECT_EQ(config.num_kv_heads, 4);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_EQ(config.parameters(), 656'000);
}

}  // namespace
}  // namespace caravan
