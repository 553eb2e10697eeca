// Which matrices `--quantize` rounds, and how.
#include "models/quantization.h"

#include <gtest/gtest.h>

#include "models/llama.h"
#include "models/mixtral.h"
#include "support/errors.h"

namespace caravan {
namespace {

ModelConfig small_config(bool tied) {
  ModelConfig config;
  config.hidden_size = 8;
  config.intermediate_size = 12;
  config.num_layers = 1;
  config.num_heads = 2;
  config.num_kv_heads = 1;
  config.head_dim = 4;
  config.vocab_size = 16;
  config.max_position = 32;
  config.tie_word_embeddings = tied;
  return config;
}

LoadQuantization scheme(std::string_view name, int64_t group = 0) {
  LoadQuantization found = quantization_from_name(name).value();
  if (group != 0) found.weight.group = group;
  return found;
}

TEST(QuantizationFromName, KnowsEverySchemeByItsOwnName) {
  for (const std::string_view name : {"w8a8", "w8a16", "w4a8", "w4a16"})
    EXPECT_EQ(name_of(scheme(name)), name);
  EXPECT_FALSE(quantization_from_name("w2a2").has_value());
}

TEST(QuantizedMatrices, AreAllThatTheModelMultipliesBy) {
  const Graph graph = record_llama(small_config(false), {});
  const auto formats = quantized_matrices(graph, scheme("w8a8"), DType::kBF16);
  EXPECT_EQ(formats.size(), 8U);
  EXPECT_TRUE(formats.contains("model.layers.0.self_attn.o_proj.weight"));
  EXPECT_TRUE(formats.contains("lm_head.weight"));
  for (const auto& [name, format] : formats) {
    EXPECT_EQ(format.rows.mode, ActivationQuant::kPerToken) << name;
    EXPECT_EQ(format.order, DType::kI8) << name;
  }
}

TEST(QuantizedMatrices, KeepWhatPruningLeaves) {
  LoadQuantization sparse = scheme("w8a8");
  sparse.sparsity = Sparsity::kTwoOf4;
  const auto formats = quantized_matrices(record_llama(small_config(false), {}), sparse, DType::kBF16);
  EXPECT_EQ(formats.at("lm_head.weight").row_kept, 4);
  EXPECT_EQ(formats.at("model.layers.0.mlp.down_proj.weight").row_kept, 6);
  EXPECT_EQ(scheme_name(formats), "w8a8 sparse");
}

TEST(QuantizedMatrices, LeaveTheHeadWhereItIsToBeKept) {
  LoadQuantization keep = scheme("w8a16");
  keep.head = false;
  const auto formats = quantized_matrices(record_llama(small_config(false), {}), keep, DType::kBF16);
  EXPECT_EQ(formats.size(), 7U);
  EXPECT_FALSE(formats.contains("lm_head.weight"));
}

TEST(QuantizedMatrices, GiveTheHeadEightBitsWhateverTheOthersHave) {
  const auto formats =
      quantized_matrices(record_llama(small_config(true), {}), scheme("w4a16", 4), DType::kF16);
  EXPECT_EQ(formats.at("model.embed_tokens.weight").weight, (WeightQuant{8, 0, false}));
  EXPECT_EQ(formats.at("model.layers.0.mlp.up_proj.weight").weight, (WeightQuant{4, 4, false}));
  EXPECT_EQ(formats.at("model.layers.0.mlp.up_proj.weight").scale, DType::kF16);
}

TEST(QuantizedMatrices, AreThoseOfEveryExpertButNotWhatExpertsAreChosenBy) {
  ModelConfig config = small_config(false);
  config.mixture = MixtureConfig{
      .experts = 3, .chosen = 2, .intermediate_size = 12, .shared_intermediate_size = 20, .mlp_layers = {}};
  const auto formats = quantized_matrices(record_mixtral(config, {}), scheme("w8a8"), DType::kBF16);
  // q, k, v, o, the head; three of each expert and of the shared one.
  EXPECT_EQ(formats.size(), 5U + 3 * 3 + 3);
  EXPECT_TRUE(formats.contains("model.layers.0.mlp.experts.2.down_proj.weight"));
  EXPECT_TRUE(formats.contains("model.layers.0.mlp.shared_expert.up_proj.weight"));
  EXPECT_FALSE(formats.contains("model.layers.0.mlp.gate.weight"));
  EXPECT_FALSE(formats.contains("model.layers.0.mlp.shared_expert_gate.weight"));
}

TEST(QuantizedMatrices, AreSparseOfExpertsToo) {
  ModelConfig config = small_config(false);
  config.mixture = MixtureConfig{.experts = 3, .chosen = 2, .intermediate_size = 12, .mlp_layers = {}};
  LoadQuantization sparse = scheme("w8a8");
  sparse.sparsity = Sparsity::kTwoOf4;
  const auto formats = quantized_matrices(record_mixtral(config, {}), sparse, DType::kBF16);
  EXPECT_EQ(formats.at("model.layers.0.block_sparse_moe.experts.2.w2.weight").row_kept, 6);
}

TEST(QuantizedMatrices, OfFourBitsAndQuantisedRowsAreLiftedToTheScalesOfInt8) {
  const auto formats =
      quantized_matrices(record_llama(small_config(false), {}), scheme("w4a8", 4), DType::kBF16);
  const QuantizedFormat& up = formats.at("model.layers.0.mlp.up_proj.weight");
  EXPECT_TRUE(is_lifted(up));
  EXPECT_EQ(up.scale, DType::kF32);
  EXPECT_EQ(up.order, DType::kI8);
  EXPECT_EQ(format_text(up), "w4a8, groups of 4");
  EXPECT_FALSE(is_lifted(formats.at("lm_head.weight")));
  EXPECT_EQ(scheme_name(formats), "w4a8");
  EXPECT_EQ(test::error_of([&] {
              quantized_matrices(record_llama(small_config(false), {}), scheme("w4a8", 2), DType::kBF16);
            }),
            "--group-size: found 2 for w4a8, expected a multiple of 4");
}

TEST(QuantizedMatrices, NameTheMatrixThatGroupsDoNotDivide) {
  const Graph graph = record_llama(small_config(false), {});
  EXPECT_EQ(test::error_of([&] { quantized_matrices(graph, scheme("w4a16", 8), DType::kBF16); }),
            "\"model.layers.0.mlp.down_proj.weight\" has 12 inputs, which groups of 8 do not divide: "
            "expected another "
            "--group-size or scheme");
}

}  // namespace
}  // namespace caravan
