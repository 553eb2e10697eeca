#include "checkpoint/quantized/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/errors.h"
#include "support/paths.h"

namespace caravan {
namespace {

using test::error_of;

std::optional<QuantizationConfig> parsed(const std::string& config) {
  return parse_quantization_config(parse_json(config, "config.json"), "config.json");
}

/// compressed-tensors with one group, whose fields are `group`, and `fields` beside it.
std::string compressed(const std::string& group, const std::string& fields = R"("format": "int-quantized")") {
  return R"({"quantization_config": {"quant_method": "compressed-tensors", )" + fields +
         R"(, "config_groups": {"group_0": {)" + group + "}}}}";
}

const std::string kLinear8 = R"("targets": ["Linear"], "weights": {"num_bits": 8, "strategy": "channel"})";

QuantScheme scheme(const std::string& group, const std::string& fields = R"("format": "int-quantized")") {
  return std::get<CompressedTensorsConfig>(*parsed(compressed(group, fields))).groups.at(0).scheme;
}

std::string refusal(const std::string& config) {
  return error_of([&config] { static_cast<void>(parsed(config)); });
}

/// The sentence about a field of group_0 of compressed-tensors.
std::string of_group(const std::string& field, const std::string& rest) {
  return "config.json: field \"quantization_config.config_groups.group_0." + field + "\" is " + rest;
}

TEST(QuantizationConfig, IsAbsentWhereNothingIsQuantised) {
  EXPECT_FALSE(parsed("{}").has_value());
  EXPECT_FALSE(parsed(R"({"quantization_config": null})").has_value());
}

TEST(QuantizationConfig, IsFoundUnderItsOlderName) {
  EXPECT_TRUE(parsed(R"({"compression_config": {"quant_method": "awq", "bits": 4, "group_size": 128}})"));
}

TEST(QuantizationConfig, NamesTheMethodsThatExist) {
  EXPECT_EQ(refusal(R"({"quantization_config": {"quant_method": "fp8"}})"),
            "config.json: field \"quantization_config.quant_method\" is the string \"fp8\", expected "
            "\"compressed-tensors\", \"gptq\" or \"awq\"");
  EXPECT_EQ(refusal(R"({"quantization_config": {}})"),
            "config.json: field \"quantization_config.quant_method\" is missing, expected a string");
}

TEST(CompressedTensors, ReadsWhatThePackageWrites) {
  const std::string text = read_file(test::fixture("quantized/int_static/config.json"), uint64_t{1} << 20U);
  const auto config = std::get<CompressedTensorsConfig>(*parsed(text));
  const QuantScheme* q = config.scheme_of("model.layers.0.self_attn.q_proj");
  ASSERT_NE(q, nullptr);
  EXPECT_EQ(q->storage, QuantStorage::kBytes);
  EXPECT_EQ(q->bits, 8);
  EXPECT_TRUE(q->symmetric);
  EXPECT_EQ(q->sharing, ScaleSharing::kTensor);
  EXPECT_EQ(q->activations, ActivationQuant::kStatic);
  EXPECT_FALSE(q->symmetric_activations);
  EXPECT_EQ(config.scheme_of("lm_head"), nullptr);
  EXPECT_EQ(config.scheme_of("model.embed_tokens"), nullptr);
  ASSERT_TRUE(config.kv_cache.has_value());
  EXPECT_FALSE(config.kv_cache->dynamic);
  EXPECT_FALSE(config.kv_cache->per_head);
}

TEST(CompressedTensors, ReadsEachFormat) {
  EXPECT_EQ(scheme(kLinear8, R"("format": "int-quantized")").storage, QuantStorage::kBytes);
  EXPECT_EQ(scheme(kLinear8, R"("format": "naive-quantized")").storage, QuantStorage::kBytes);
  EXPECT_EQ(scheme(kLinear8, R"("format": "pack-quantized")").storage, QuantStorage::kPacked);
  EXPECT_EQ(scheme(kLinear8, R"("format": "dense")").storage, QuantStorage::kDense);
  EXPECT_EQ(scheme(kLinear8 + R"(, "format": "pack-quantized")", R"("format": "mixed-precision")").storage,
            QuantStorage::kPacked);
  const std::string expected =
      R"(, expected "int-quantized", "pack-quantized", "naive-quantized" or "dense")";
  EXPECT_EQ(refusal(compressed(kLinear8, R"("format": "float-quantized")")),
            "config.json: field \"quantization_config.format\" is the string \"float-quantized\"" + expected);
  EXPECT_EQ(refusal(compressed(kLinear8 + R"(, "format": "marlin-24")")),
            of_group("format", "the string \"marlin-24\"" + expected));
}

TEST(CompressedTensors, ReadsWhichNumbersShareAScale) {
  const auto sharing = [](const std::string& weights) {
    return scheme(R"("targets": ["Linear"], "weights": {)" + weights + "}");
  };
  EXPECT_EQ(sharing(R"("strategy": "tensor")").sharing, ScaleSharing::kTensor);
  EXPECT_EQ(sharing(R"("strategy": "channel", "group_size": null)").sharing, ScaleSharing::kChannel);
  const QuantScheme group = sharing(R"("num_bits": 4, "strategy": "group", "group_size": 64)");
  EXPECT_EQ(group.sharing, ScaleSharing::kGroup);
  EXPECT_EQ(group.group, 64);
  EXPECT_EQ(group.bits, 4);
  // As the package infers it.
  EXPECT_EQ(sharing(R"("num_bits": 8)").sharing, ScaleSharing::kTensor);
  EXPECT_EQ(sharing(R"("group_size": -1)").sharing, ScaleSharing::kChannel);
  EXPECT_EQ(sharing(R"("group_size": 32)").sharing, ScaleSharing::kGroup);
}

TEST(CompressedTensors, RefusesWeightsThatItHasNotIn) {
  const auto weights = [](const std::string& fields) {
    return refusal(compressed(R"("targets": ["Linear"], "weights": {)" + fields + "}"));
  };
  EXPECT_EQ(weights(R"("num_bits": 3)"), of_group("weights.num_bits", "the number 3, expected 8 or 4"));
  EXPECT_EQ(weights(R"("type": "float")"),
            of_group("weights.type", "the string \"float\", expected \"int\""));
  EXPECT_EQ(weights(R"("strategy": "block")"),
            of_group("weights.strategy", R"(the string "block", expected "tensor", "channel" or "group")"));
  EXPECT_EQ(weights(R"("strategy": "group")"),
            of_group("weights.group_size", "missing, expected an integer from 1 to 1048576"));
  EXPECT_EQ(weights(R"("dynamic": true)"), of_group("weights.dynamic", "true, expected false for weights"));
  EXPECT_EQ(weights(R"("actorder": "group", "group_size": 64)"),
            of_group("weights.actorder",
                     R"(the string "group", expected null or "weight": inputs in an order of their own are )"
                     "not supported"));
  EXPECT_EQ(weights(R"("actorder": "weight", "group_size": 64)"), "no Error");
}

TEST(CompressedTensors, ReadsHowInputsAreQuantised) {
  const auto mode = [](const std::string& inputs) {
    return scheme(kLinear8 + R"(, "input_activations": )" + inputs).activations;
  };
  EXPECT_EQ(mode("null"), ActivationQuant::kNone);
  EXPECT_EQ(mode(R"({"dynamic": true, "strategy": "token"})"), ActivationQuant::kSymmetric);
  EXPECT_EQ(mode(R"({"dynamic": true, "strategy": "token", "symmetric": false})"),
            ActivationQuant::kPerToken);
  EXPECT_EQ(mode(R"({"dynamic": false, "strategy": "tensor"})"), ActivationQuant::kStatic);
}

TEST(CompressedTensors, RefusesInputsAndOutputsThatItHasNot) {
  const auto inputs = [](const std::string& fields) {
    return refusal(compressed(kLinear8 + R"(, "input_activations": {)" + fields + "}"));
  };
  EXPECT_EQ(inputs(R"("num_bits": 4)"), of_group("input_activations.num_bits", "the number 4, expected 8"));
  EXPECT_EQ(inputs(R"("type": "float")"),
            of_group("input_activations.type", "the string \"float\", expected \"int\""));
  EXPECT_EQ(inputs(R"("dynamic": true, "strategy": "tensor")"),
            of_group("input_activations.strategy",
                     "the string \"tensor\", expected \"token\" where activations are dynamic"));
  EXPECT_EQ(inputs(R"("strategy": "group", "group_size": 128)"),
            of_group("input_activations.strategy",
                     "the string \"group\", expected \"tensor\" where activations are static"));
  EXPECT_EQ(inputs(R"("dynamic": "local")"),
            of_group("input_activations.dynamic", "the string \"local\", expected true or false"));
  EXPECT_EQ(refusal(compressed(kLinear8 + R"(, "output_activations": {})")),
            of_group("output_activations", "an object, expected null: quantised outputs are not supported"));
  EXPECT_EQ(refusal(compressed(R"("targets": ["Linear"], "input_activations": {})")),
            of_group("weights", "missing, expected an object: activations alone are not quantised"));
  EXPECT_EQ(refusal(compressed(
                R"("targets": ["Linear"], "weights": {"num_bits": 8, "group_size": 32},
             "input_activations": {"dynamic": true, "strategy": "token"})")),
            of_group("input_activations",
                     "an object, expected null where weights of 8 bits have scales for groups of inputs"));
}

TEST(CompressedTensors, ReadsTheKvCache) {
  const auto kv = [](const std::string& fields) {
    return parsed(compressed(kLinear8, R"("format": "int-quantized", "kv_cache_scheme": {)" + fields + "}"));
  };
  const auto of = [](const auto& config) { return *std::get<CompressedTensorsConfig>(*config).kv_cache; };
  EXPECT_TRUE(of(kv(R"("dynamic": true, "strategy": "token")")).dynamic);
  EXPECT_TRUE(of(kv(R"("strategy": "attn_head")")).per_head);
  const std::string field = "config.json: field \"quantization_config.kv_cache_scheme.";
  EXPECT_EQ(error_of([&] { static_cast<void>(kv(R"("type": "float")")); }),
            field + "type\" is the string \"float\", expected \"int\"");
  EXPECT_EQ(error_of([&] { static_cast<void>(kv(R"("symmetric": false)")); }),
            field + "symmetric\" is false, expected true for the KV cache");
  EXPECT_EQ(error_of([&] { static_cast<void>(kv(R"("strategy": "channel")")); }),
            field + R"(strategy" is the string "channel", expected "tensor" or "attn_head" where the KV )"
                    "cache is static");
}

TEST(CompressedTensors, RefusesWhatElseAConfigMayAskFor) {
  const auto with = [](const std::string& field) {
    return refusal(compressed(kLinear8, R"("format": "int-quantized", )" + field));
  };
  EXPECT_EQ(with(R"("sparsity_config": {"format": "sparse-24-bitmask"})"),
            "config.json: field \"quantization_config.sparsity_config.format\" is the string "
            "\"sparse-24-bitmask\", expected \"sparse-bitmask\" or \"dense\"");
  EXPECT_EQ(with(R"("sparsity_config": {"format": "dense"})"), "no Error");
  EXPECT_EQ(with(R"("sparsity_config": {"format": "dense", "global_sparsity": 2})"),
            "config.json: field \"quantization_config.sparsity_config.global_sparsity\" is the number 2, "
            "expected a number from 0 to 1");
  EXPECT_EQ(with(R"("sparsity_config": {"format": "sparse-bitmask", "global_sparsity": 0.5})"), "no Error");
  EXPECT_EQ(with(R"("sparsity_config": {})"), "no Error");
  EXPECT_EQ(with(R"("transform_config": {"config_groups": {}})"),
            "config.json: field \"quantization_config.transform_config\" is an object, expected none: "
            "transforms of activations are not supported");
  EXPECT_EQ(
      with(R"("quantization_status": "broken")"),
      "config.json: field \"quantization_config.quantization_status\" is the string \"broken\", expected "
      "\"compressed\"");
  EXPECT_EQ(refusal(R"({"quantization_config": {"quant_method": "compressed-tensors"}})"),
            "config.json: field \"quantization_config.config_groups\" is missing, expected an object of "
            "schemes");
  EXPECT_EQ(refusal(compressed(R"("targets": [3])")),
            of_group("targets", "an array of 1, expected names of modules only, but it holds the number 3"));
}

TEST(Gptq, ReadsItsFields) {
  const auto config = std::get<GptqConfig>(*parsed(
      R"({"quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": -1, "sym": false,
          "desc_act": true, "checkpoint_format": "gptq_v2"}})"));
  EXPECT_EQ(config.bits, 8);
  EXPECT_EQ(config.group, 0);
  EXPECT_FALSE(config.symmetric);
  EXPECT_TRUE(config.desc_act);
  EXPECT_FALSE(config.zeros_less_1);
  const auto usual = std::get<GptqConfig>(
      *parsed(R"({"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}})"));
  EXPECT_EQ(usual.group, 128);
  EXPECT_TRUE(usual.symmetric);
  EXPECT_TRUE(usual.zeros_less_1);
}

TEST(Gptq, RefusesWhatItHasNot) {
  const auto with = [](const std::string& field) {
    return refusal(R"({"quantization_config": {"quant_method": "gptq", "group_size": 128, )" + field + "}}");
  };
  const std::string field = "config.json: field \"quantization_config.";
  EXPECT_EQ(with(R"("bits": 3)"), field + "bits\" is the number 3, expected 4 or 8");
  EXPECT_EQ(with(R"("bits": 4, "checkpoint_format": "marlin")"),
            field + R"(checkpoint_format" is the string "marlin", expected "gptq" or "gptq_v2")");
  EXPECT_EQ(
      with(R"("bits": 4, "is_marlin_format": true)"),
      field + "is_marlin_format\" is true, expected false: matrices in Marlin's order are not supported");
  EXPECT_EQ(
      with(R"("bits": 4, "dynamic": {"-:lm_head": {}})"),
      field + "dynamic\" is an object, expected none: other numbers for some modules are not supported");
  EXPECT_EQ(with(R"("bits": 4, "pack_dtype": "int8")"),
            field + "pack_dtype\" is the string \"int8\", expected \"int32\"");
  EXPECT_EQ(refusal(R"({"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 0}})"),
            field + "group_size\" is the number 0, expected -1 or a positive number of inputs");
}

TEST(Awq, ReadsBothSpellingsOfItsFields) {
  for (const std::string fields : {R"("bits": 4, "group_size": 64, "version": "GEMM")",
                                   R"("w_bit": 4, "q_group_size": 64, "version": "gemm")"}) {
    const auto config = std::get<AwqConfig>(
        *parsed(R"({"quantization_config": {"quant_method": "awq", "zero_point": false, )" + fields + "}}"));
    EXPECT_EQ(config.group, 64);
    EXPECT_FALSE(config.zero_point);
  }
}

TEST(Awq, RefusesWhatItHasNot) {
  const auto with = [](const std::string& fields) {
    return refusal(R"({"quantization_config": {"quant_method": "awq", "group_size": 64, )" + fields + "}}");
  };
  const std::string field = "config.json: field \"quantization_config.";
  EXPECT_EQ(with(R"("bits": 8)"), field + "bits\" is the number 8, expected 4");
  EXPECT_EQ(with(R"("w_bit": 8)"), field + "w_bit\" is the number 8, expected 4");
  EXPECT_EQ(with(R"("bits": 4, "version": "gemv")"),
            field + "version\" is the string \"gemv\", expected \"gemm\"");
}

}  // namespace
}  // namespace caravan
