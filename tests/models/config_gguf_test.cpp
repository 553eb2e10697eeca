#include "models/config_gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/gguf_builder.h"
#include "support/paths.h"

namespace caravan {
namespace {

using test::error_of;
using test::GgufBuilder;
using test::tiny_llama;
using testing::ElementsAre;

ModelConfig parse(const GgufBuilder& builder) {
  const std::string file = builder.bytes();
  const auto bytes = std::as_bytes(std::span(file));
  const GgufHeader header = parse_gguf_header(bytes, "m.gguf");
  return config_of_gguf(header, bytes.subspan(header.data_start), "m.gguf");
}

std::string refusal(const GgufBuilder& builder) {
  const std::string message = error_of([&] { parse(builder); });
  return message.starts_with("m.gguf: ") ? message.substr(8) : message;
}

/// tiny_llama() without the field `key`.
GgufBuilder without(const std::string& key) {
  GgufBuilder builder;
  if (key != "general.architecture") builder.text("general.architecture", "llama");
  const std::vector<std::pair<std::string, uint32_t>> numbers = {
      {"llama.context_length", 64},      {"llama.embedding_length", 8},     {"llama.block_count", 2},
      {"llama.feed_forward_length", 12}, {"llama.attention.head_count", 4}, {"llama.vocab_size", 5}};
  for (const auto& [name, value] : numbers) {
    if (name != key) builder.number(name, value);
  }
  if (key != "llama.attention.layer_norm_rms_epsilon")
    builder.real("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  return builder;
}

TEST(GgufConfig, IsThatOfTheFolderThatTheFileWasMadeFrom) {
  for (const char* name :
       {"fp16", "bf16", "biases", "rope_llama3", "mixtral", "qwen2_moe", "qwen2_moe_step"}) {
    const ModelConfig config = load_config(test::fixture(std::string("gguf/") + name + ".gguf"));
    const ModelConfig expected = load_config(test::fixture(std::string("models/") + name));
    EXPECT_EQ(config.architecture, expected.architecture) << name;
    EXPECT_EQ(config.parameters(), expected.parameters()) << name;
    EXPECT_EQ(config.num_kv_heads, expected.num_kv_heads) << name;
    EXPECT_EQ(config.head_dim, expected.head_dim) << name;
    EXPECT_EQ(config.max_position, expected.max_position) << name;
    EXPECT_EQ(config.rms_norm_eps, expected.rms_norm_eps) << name;
    EXPECT_EQ(config.tie_word_embeddings, expected.tie_word_embeddings) << name;
    EXPECT_EQ(config.attention_bias, expected.attention_bias) << name;
    EXPECT_EQ(config.output_bias, expected.output_bias) << name;
    EXPECT_EQ(config.sliding_window, expected.sliding_window) << name;
    EXPECT_EQ(config.mlp_bias, expected.mlp_bias) << name;
    EXPECT_EQ(config.rope.theta, expected.rope.theta) << name;
    EXPECT_EQ(config.dtype, expected.dtype) << name;
    EXPECT_EQ(config.bos_token, expected.bos_token) << name;
    EXPECT_EQ(config.eos_tokens, expected.eos_tokens) << name;
  }
}

TEST(GgufConfig, FillsInWhatMetadataLeavesOut) {
  const ModelConfig config = parse(without(""));
  EXPECT_EQ(config.num_kv_heads, 4);
  EXPECT_EQ(config.head_dim, 2);
  EXPECT_EQ(config.rope.theta, 10000.0);
  EXPECT_EQ(config.rope.scaling, RopeScaling::kNone);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_FALSE(config.attention_bias || config.mlp_bias);
  EXPECT_EQ(config.sliding_window, 0);
  EXPECT_EQ(config.bos_token, std::nullopt);
  const std::string rows(7 * 8 * 4, '\0');
  EXPECT_EQ(parse(without("llama.vocab_size").tensor("token_embd.weight", {8, 7}, 0, rows)).vocab_size, 7);
}

TEST(GgufConfig, HasAHeadOfItsOwnWhereThereIsAnOutputTensor) {
  EXPECT_FALSE(
      parse(tiny_llama().tensor("output.weight", {8, 5}, 0, std::string(160, '\0'))).tie_word_embeddings);
}

TEST(GgufConfig, AttendsToAWindowWhereTheFileSaysSo) {
  const ModelConfig config = parse(tiny_llama().number("llama.attention.sliding_window", 16));
  EXPECT_EQ(config.architecture, "MistralForCausalLM");
  EXPECT_EQ(config.sliding_window, 16);
}

TEST(GgufConfig, ReadsEveryRopeScaling) {
  const ModelConfig linear =
      parse(tiny_llama().text("llama.rope.scaling.type", "linear").real("llama.rope.scaling.factor", 4.0F));
  EXPECT_EQ(linear.rope.scaling, RopeScaling::kLinear);
  EXPECT_EQ(linear.rope.factor, 4.0);
  EXPECT_EQ(linear.max_position, 64);
  EXPECT_EQ(parse(tiny_llama().real("llama.rope.scale_linear", 2.0F)).rope.factor, 2.0);

  const ModelConfig yarn = parse(tiny_llama()
                                     .real("llama.rope.freq_base", 500000.0F)
                                     .text("llama.rope.scaling.type", "yarn")
                                     .real("llama.rope.scaling.factor", 8.0F)
                                     .number("llama.rope.scaling.original_context_length", 32)
                                     .real("llama.rope.scaling.yarn_beta_fast", 16.0F));
  EXPECT_EQ(yarn.rope.scaling, RopeScaling::kYarn);
  EXPECT_EQ(yarn.rope.theta, 500000.0);
  EXPECT_EQ(yarn.rope.original_max_position, 32);
  EXPECT_EQ(yarn.rope.beta_fast, 16.0);
  EXPECT_NEAR(yarn.rope.attention_factor, 1.2079, 1e-4);  // 0.1 ln 8 + 1

  const ModelConfig divided = parse(tiny_llama().tensor("rope_freqs.weight", {1}, 0, test::raw(8.0F)));
  EXPECT_EQ(divided.rope.scaling, RopeScaling::kDivisors);
  EXPECT_THAT(divided.rope.divisors, ElementsAre(8.0F));
}

TEST(GgufConfig, EndsAtEveryTokenThatEndsATextOrATurn) {
  const ModelConfig config =
      parse(tiny_llama()
                .texts("tokenizer.ggml.tokens", {"<|im_end|>", "a", "<|eot_id|>", "<|end|>", "</s>"})
                .numbers("tokenizer.ggml.token_type", {1, 1, 3, 3, 3})
                .number("tokenizer.ggml.bos_token_id", 1)
                .number("tokenizer.ggml.eos_token_id", 4)
                .number("tokenizer.ggml.eot_token_id", 3));
  EXPECT_EQ(config.bos_token, 1);
  // The first is an ordinary token whatever its text.
  EXPECT_THAT(config.eos_tokens, ElementsAre(4, 3, 2));
}

struct Refused {
  GgufBuilder builder;
  std::string message;
};

TEST(GgufConfig, NamesTheKeyThatIsMissing) {
  for (const char* key :
       {"llama.context_length", "llama.embedding_length", "llama.block_count", "llama.feed_forward_length",
        "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon", "llama.vocab_size",
        "general.architecture"}) {
    EXPECT_THAT(refusal(without(key)), testing::StartsWith("field \"" + std::string(key) + "\" is missing"));
  }
}

TEST(GgufConfig, NamesTheKeyThatIsWrong) {
  const std::vector<Refused> cases = {
      {without("general.architecture").text("general.architecture", "qwen2"),
       "field \"general.architecture\" is the string \"qwen2\", expected llama or qwen2moe, the "
       "architectures that Caravan reads from GGUF files"},
      {without("llama.block_count").numbers("llama.block_count", {1, 2}),
       "field \"llama.block_count\" is an array of 2, expected an integer from 1 to 4096"},
      {without("").number("llama.attention.head_count_kv", 3),
       "field \"llama.attention.head_count_kv\" is 3, expected a divisor of llama.attention.head_count, "
       "which "
       "is 4"},
      {without("").number("llama.attention.key_length", 3),
       "field \"llama.attention.key_length\" is 3, expected an even number, because rotary embedding turns "
       "pairs"},
      {tiny_llama().number("llama.rope.dimension_count", 1),
       "field \"llama.rope.dimension_count\" is the number 1, expected the head size, which is 2"},
      {tiny_llama().number("llama.attention.value_length", 4),
       "field \"llama.attention.value_length\" is the number 4, expected the head size, which is 2"},
      {tiny_llama().real("llama.attention.scale", 0.5F),
       "field \"llama.attention.scale\" is the number 0.5, expected no such field: Caravan computes "
       "attention "
       "without it"},
      {tiny_llama().text("llama.rope.scaling.type", "longrope"),
       "field \"llama.rope.scaling.type\" is the string \"longrope\", expected none, linear or yarn"},
      {tiny_llama().text("llama.rope.scaling.type", "yarn"),
       "field \"llama.rope.scaling.factor\" is missing, expected a number from 1 to 1e+06"},
      {tiny_llama()
           .text("llama.rope.scaling.type", "linear")
           .real("llama.rope.scaling.factor", 2.0F)
           .tensor("rope_freqs.weight", {1}, 0, test::raw(8.0F)),
       "field \"llama.rope.scaling.type\" is the string \"linear\", expected none beside the tensor "
       "\"rope_freqs.weight\", which scales by itself"},
      {tiny_llama().tensor("rope_freqs.weight", {2}, 0, test::raw(uint64_t{0})),
       "the tensor \"rope_freqs.weight\" is F32 of shape [2], expected F32 of shape [1]"},
      {tiny_llama().tensor("rope_freqs.weight", {1}, 0, test::raw(0.0F)),
       "the tensor \"rope_freqs.weight\" holds 0, expected numbers above 0"},
      {tiny_llama().number("tokenizer.ggml.eos_token_id", 5),
       "field \"tokenizer.ggml.eos_token_id\" is the number 5, expected a token id from 0 to 4, below "
       "vocab_size"},
  };
  for (const Refused& refused : cases) EXPECT_EQ(refusal(refused.builder), refused.message);
}

TEST(GgufMixture, IsThatOfTheFolderThatTheFileWasMadeFrom) {
  for (const char* name : {"mixtral", "qwen2_moe", "qwen2_moe_step"}) {
    const auto config = load_config(test::fixture(std::string("gguf/") + name + ".gguf")).mixture;
    const auto expected = load_config(test::fixture(std::string("models/") + name)).mixture;
    ASSERT_TRUE(config && expected) << name;
    EXPECT_EQ(config->experts, expected->experts) << name;
    EXPECT_EQ(config->chosen, expected->chosen) << name;
    EXPECT_EQ(config->intermediate_size, expected->intermediate_size) << name;
    EXPECT_EQ(config->shared_intermediate_size, expected->shared_intermediate_size) << name;
    EXPECT_EQ(config->renormalize, expected->renormalize) << name;
    EXPECT_EQ(config->mlp_layers, expected->mlp_layers) << name;
  }
}

/// tiny_llama() with so many experts.
GgufBuilder mixture(uint32_t experts, uint32_t chosen) {
  return tiny_llama().number("llama.expert_count", experts).number("llama.expert_used_count", chosen);
}

/// The fields of tiny_llama() for Qwen2-MoE.
GgufBuilder tiny_qwen() {
  GgufBuilder builder;
  builder.text("general.architecture", "qwen2moe")
      .number("qwen2moe.context_length", 64)
      .number("qwen2moe.embedding_length", 8)
      .number("qwen2moe.block_count", 2)
      .number("qwen2moe.feed_forward_length", 12)
      .number("qwen2moe.attention.head_count", 4)
      .real("qwen2moe.attention.layer_norm_rms_epsilon", 1e-5F)
      .number("qwen2moe.vocab_size", 5)
      .number("qwen2moe.expert_used_count", 3);
  return builder;
}

TEST(GgufMixture, IsNoneWhereThereAreNoExperts) {
  EXPECT_FALSE(parse(tiny_llama()).mixture.has_value());
  EXPECT_FALSE(parse(tiny_llama().number("llama.expert_count", 0)).mixture.has_value());
}

TEST(GgufMixture, IsWeighedAsLlamaCppDoes) {
  const ModelConfig mixtral = parse(mixture(8, 2));
  EXPECT_EQ(mixtral.architecture, "MixtralForCausalLM");
  EXPECT_EQ(mixtral.mixture->intermediate_size, 12);
  EXPECT_TRUE(mixtral.mixture->renormalize);
  const ModelConfig qwen = parse(tiny_qwen().number("qwen2moe.expert_count", 8));
  EXPECT_EQ(qwen.architecture, "Qwen2MoeForCausalLM");
  EXPECT_EQ(qwen.head_dim, 2);
  EXPECT_FALSE(qwen.mixture->renormalize);
  EXPECT_TRUE(parse(tiny_qwen().number("qwen2moe.expert_count", 8).flag("qwen2moe.expert_weights_norm", true))
                  .mixture->renormalize);
}

TEST(GgufMixture, HasTheSizesOfQwens15WhereOlderFilesNameNone) {
  const auto sizes = [](const GgufBuilder& builder) {
    const MixtureConfig read = *parse(builder).mixture;
    return std::pair(read.intermediate_size, read.shared_intermediate_size);
  };
  EXPECT_EQ(sizes(tiny_qwen().number("qwen2moe.expert_count", 8)), std::pair(int64_t{4}, int64_t{12}));
  EXPECT_EQ(sizes(tiny_qwen()
                      .number("qwen2moe.expert_count", 8)
                      .number("qwen2moe.expert_feed_forward_length", 5)
                      .number("qwen2moe.expert_shared_feed_forward_length", 6)),
            std::pair(int64_t{5}, int64_t{6}));
}

TEST(GgufMixture, NamesTheKeyThatIsWrong) {
  const std::vector<Refused> cases = {
      {tiny_qwen(), "field \"qwen2moe.expert_count\" is missing, expected an integer from 1 to 4096"},
      {tiny_qwen().number("qwen2moe.expert_count", 0),
       "field \"qwen2moe.expert_count\" is the number 0, expected an integer from 1 to 4096"},
      {tiny_qwen().number("qwen2moe.expert_count", 2),
       "field \"qwen2moe.expert_used_count\" is 3, expected at most qwen2moe.expert_count, which is 2"},
      {mixture(8, 9),
       "field \"llama.expert_used_count\" is 9, expected at most llama.expert_count, which is 8"},
      {mixture(8, 0),
       "field \"llama.expert_used_count\" is the number 0, expected an integer from 1 to 4096"},
      {tiny_llama().number("llama.expert_count", 8),
       "field \"llama.expert_used_count\" is missing, expected an integer from 1 to 4096"},
      {mixture(8, 2).real("llama.expert_weights_scale", 2.5F),
       "field \"llama.expert_weights_scale\" is the number 2.5, expected 1: Caravan weighs experts by their "
       "softmax alone"},
      {mixture(8, 2).number("llama.expert_gating_func", 2),
       "field \"llama.expert_gating_func\" is the number 2, expected 1, which is softmax: Caravan chooses "
       "experts by it alone"},
      {mixture(8, 2).number("llama.expert_group_count", 4),
       "field \"llama.expert_group_count\" is the number 4, expected 1: Caravan chooses experts among all of "
       "them"},
      {tiny_qwen().number("qwen2moe.expert_count", 8).number("qwen2moe.attention.sliding_window", 16),
       "field \"qwen2moe.attention.sliding_window\" is the number 16, expected no such field: Caravan has no "
       "sliding window in a Qwen2MoeForCausalLM"},
  };
  for (const Refused& refused : cases) EXPECT_EQ(refusal(refused.builder), refused.message);
}

}  // namespace
}  // namespace caravan
