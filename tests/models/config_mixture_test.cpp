// The mixtures of experts that a config.json describes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "models/config.h"
#include "support/errors.h"

namespace caravan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A config of the architecture with the fields of `more`.
ModelConfig parse(const std::string& architecture, const std::string& more) {
  Json json = Json::parse(R"({"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4,
    "num_attention_heads": 16, "vocab_size": 100})");
  json["architectures"] = {architecture};
  const Json over = Json::parse(more);
  for (const auto& [name, value] : over.items()) json[name] = value;
  return parse_config(json.dump(), "config.json");
}

ModelConfig mixtral(const std::string& more = "{}") { return parse("MixtralForCausalLM", more); }
ModelConfig qwen(const std::string& more = "{}") { return parse("Qwen2MoeForCausalLM", more); }

TEST(MixtureConfig, IsOfThoseArchitecturesOnly) {
  EXPECT_FALSE(parse("LlamaForCausalLM", R"({"num_local_experts": 8})").mixture.has_value());
}

TEST(MixtureConfig, GivesMixtralItsOwnDefaults) {
  const ModelConfig config = mixtral();
  EXPECT_EQ(config.num_kv_heads, 8);
  EXPECT_EQ(config.max_position, 131072);
  EXPECT_EQ(config.rope.theta, 1e6);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_EQ(config.sliding_window, 0);
  EXPECT_FALSE(config.attention_bias || config.output_bias);
  ASSERT_TRUE(config.mixture.has_value());
  EXPECT_EQ(config.mixture->experts, 8);
  EXPECT_EQ(config.mixture->chosen, 2);
  EXPECT_EQ(config.mixture->intermediate_size, 96);
  EXPECT_EQ(config.mixture->shared_intermediate_size, 0);
  EXPECT_TRUE(config.mixture->renormalize);
  EXPECT_THAT(config.mixture->mlp_layers, IsEmpty());
}

TEST(MixtureConfig, ReadsMixtralsFields) {
  const ModelConfig config = mixtral(
      R"({"num_local_experts": 16, "num_experts_per_tok": 3, "sliding_window": 4096, "rope_theta": 500})");
  EXPECT_EQ(config.mixture->experts, 16);
  EXPECT_EQ(config.mixture->chosen, 3);
  EXPECT_EQ(config.sliding_window, 4096);
  EXPECT_EQ(config.rope.theta, 500.0);
}

TEST(MixtureConfig, GivesQwen2MoeItsOwnDefaults) {
  const ModelConfig config = qwen(R"({"sliding_window": 4096})");
  EXPECT_EQ(config.num_kv_heads, 16);
  EXPECT_EQ(config.max_position, 32768);
  EXPECT_EQ(config.rope.theta, 1e4);
  EXPECT_EQ(config.sliding_window, 0);
  EXPECT_TRUE(config.attention_bias);
  EXPECT_FALSE(config.output_bias);
  EXPECT_EQ(config.mixture->experts, 60);
  EXPECT_EQ(config.mixture->chosen, 4);
  EXPECT_EQ(config.mixture->intermediate_size, 1408);
  EXPECT_EQ(config.mixture->shared_intermediate_size, 5632);
  EXPECT_FALSE(config.mixture->renormalize);
}

TEST(MixtureConfig, ReadsQwen2MoesFields) {
  const ModelConfig config = qwen(R"({"num_experts": 7, "num_experts_per_tok": 2, "moe_intermediate_size": 20,
    "shared_expert_intermediate_size": 44, "norm_topk_prob": true, "qkv_bias": false, "use_sliding_window": false})");
  EXPECT_EQ(config.mixture->experts, 7);
  EXPECT_EQ(config.mixture->intermediate_size, 20);
  EXPECT_EQ(config.mixture->shared_intermediate_size, 44);
  EXPECT_TRUE(config.mixture->renormalize);
  EXPECT_FALSE(config.attention_bias);
}

TEST(MixtureConfig, SaysWhichLayersHaveAnMlp) {
  EXPECT_THAT(qwen().mixture->mlp_layers, IsEmpty());
  EXPECT_THAT(qwen(R"({"mlp_only_layers": [3, 0]})").mixture->mlp_layers, ElementsAre(0, 3));
  EXPECT_THAT(qwen(R"({"decoder_sparse_step": 2})").mixture->mlp_layers, ElementsAre(0, 2));
  EXPECT_THAT(qwen(R"({"decoder_sparse_step": 2, "mlp_only_layers": [1]})").mixture->mlp_layers,
              ElementsAre(0, 1, 2));
}

TEST(MixtureConfig, CountsEveryParameter) {
  const ModelConfig config = qwen(R"({"num_experts": 7, "num_experts_per_tok": 2, "moe_intermediate_size": 20,
    "shared_expert_intermediate_size": 44, "mlp_only_layers": [1]})");
  const int64_t attention = 4 * 64 * 64 + 3 * 64 + 2 * 64;
  const int64_t mlp = 3 * 64 * 96;
  const int64_t router_and_shared = 7 * 64 + 3 * 64 * 44 + 64;
  const int64_t outside = 2 * 100 * 64 + 64;
  EXPECT_EQ(config.parameters(), 4 * attention + mlp + 3 * (router_and_shared + 7 * 3 * 64 * 20) + outside);
  EXPECT_EQ(config.active_parameters(),
            4 * attention + mlp + 3 * (router_and_shared + 2 * 3 * 64 * 20) + outside);
  EXPECT_EQ(parse("LlamaForCausalLM", "{}").active_parameters(),
            parse("LlamaForCausalLM", "{}").parameters());
}

TEST(MixtureConfig, RefusesWhatItDoesNotSupportOrCannotBe) {
  const auto of_mixtral = [](const std::string& more) { return test::error_of([&] { mixtral(more); }); };
  const auto of_qwen = [](const std::string& more) { return test::error_of([&] { qwen(more); }); };
  EXPECT_EQ(of_mixtral(R"({"num_local_experts": 0})"),
            "config.json: field \"num_local_experts\" is the number 0, expected an integer from 1 to 4096");
  EXPECT_EQ(
      of_mixtral(R"({"num_experts_per_tok": 9})"),
      "config.json: field \"num_experts_per_tok\" is 9, expected at most num_local_experts, which is 8");
  EXPECT_EQ(
      of_mixtral(R"({"num_local_experts": 4096, "intermediate_size": 4194304})"),
      "config.json: 4096 experts of 4194304 intermediate values are 17179869184 in all, expected at most "
      "4194304");
  EXPECT_EQ(of_mixtral(R"({"mlp_bias": true})"),
            "config.json: field \"mlp_bias\" is true, expected false, because experts have no biases");
  EXPECT_EQ(
      of_qwen(R"({"mlp_only_layers": [4]})"),
      "config.json: field \"mlp_only_layers\" is an array of 1, expected numbers of layers, from 0 to 3");
  EXPECT_EQ(
      of_qwen(R"({"mlp_only_layers": ["all"]})"),
      "config.json: field \"mlp_only_layers\" is an array of 1, expected numbers of layers, from 0 to 3");
  EXPECT_EQ(of_qwen(R"({"decoder_sparse_step": 0})"),
            "config.json: field \"decoder_sparse_step\" is the number 0, expected an integer from 1 to 4096");
  EXPECT_EQ(
      of_qwen(R"({"use_sliding_window": true})"),
      "config.json: field \"use_sliding_window\" is true, expected false: Caravan has no sliding window "
      "in some layers of a Qwen2MoeForCausalLM only");
  EXPECT_EQ(
      of_qwen(R"({"hidden_act": "gelu"})"),
      "config.json: field \"hidden_act\" is the string \"gelu\", expected silu, the only activation that "
      "Caravan supports");
}

}  // namespace
}  // namespace caravan
