#include "checkpoint/quantized/module_pattern.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "checkpoint/quantized/config.h"
#include "support/errors.h"

namespace caravan {
namespace {

using test::error_of;

constexpr const char* kUp = "model.layers.0.mlp.up_proj";

bool matches(const std::string& pattern, const std::string& module) {
  return ModulePattern(pattern, "here").matches(module);
}

TEST(ModulePattern, NamesOneModule) {
  EXPECT_TRUE(matches(kUp, kUp));
  EXPECT_FALSE(matches(kUp, "model.layers.0.mlp.up_proj.x"));
  EXPECT_FALSE(matches("up_proj", kUp));
}

TEST(ModulePattern, MatchesARegularExpressionFromTheStartOfTheName) {
  EXPECT_TRUE(matches("re:.*mlp", kUp));
  EXPECT_TRUE(matches("re:.*up_proj$", kUp));
  EXPECT_TRUE(matches(R"(re:model\.layers\.(0|7)\..*)", kUp));
  EXPECT_FALSE(matches("re:mlp", kUp));
  EXPECT_FALSE(matches("re:.*gate_proj", kUp));
  EXPECT_TRUE(matches("re:.*self_attn.(?!o_proj)", "model.layers.0.self_attn.q_proj"));
}

TEST(ModulePattern, MeansEveryMatrixButTheVocabularysByLinear) {
  EXPECT_TRUE(matches("Linear", kUp));
  EXPECT_TRUE(matches("Linear", "lm_head"));
  EXPECT_FALSE(matches("Linear", "model.embed_tokens"));
}

TEST(ModulePattern, RefusesWhatIsNoExpression) {
  EXPECT_EQ(error_of([] { matches("re:(", kUp); }),
            "here holds the regular expression \"(\", which cannot be used: missing closing parenthesis");
  EXPECT_EQ(error_of([] { matches("re:" + std::string(10'001, 'a'), kUp); }),
            "here holds a regular expression of 10001 bytes, expected at most 10000");
}

TEST(ModulePattern, StopsAnExpressionThatWouldNotEnd) {
  const std::string expression = "re:(a*)*(a*)*(a*)*(a*)*(a*)*$";
  const std::string module = std::string(60, 'a') + "b";
  EXPECT_EQ(error_of([&] { matches(expression, module); }),
            "here holds the regular expression \"" + expression + "\", which fails on the name \"" + module +
                "\": match limit exceeded");
}

TEST(ModulePattern, DecidesByNameThenExpressionThenClassAndIgnoresFirst) {
  const Json json = parse_json(R"({"quantization_config": {"quant_method": "compressed-tensors",
      "format": "int-quantized", "ignore": ["lm_head", "re:.*layers.9.*"], "config_groups": {
      "a": {"targets": ["Linear"], "weights": {"group_size": 1}},
      "b": {"targets": ["re:.*mlp.*"], "weights": {"group_size": 2}},
      "c": {"targets": ["model.layers.0.mlp.up_proj"], "weights": {"group_size": 3}}}}})",
                               "config.json");
  const auto config = std::get<CompressedTensorsConfig>(*parse_quantization_config(json, "config.json"));
  const auto group = [&config](const std::string& module) {
    const QuantScheme* scheme = config.scheme_of(module);
    return scheme == nullptr ? 0 : scheme->group;
  };
  EXPECT_EQ(group("model.layers.0.self_attn.q_proj"), 1);
  EXPECT_EQ(group("model.layers.0.mlp.down_proj"), 2);
  EXPECT_EQ(group(kUp), 3);
  EXPECT_EQ(group("lm_head"), 0);
  EXPECT_EQ(group("model.layers.9.mlp.up_proj"), 0);
}

}  // namespace
}  // namespace caravan
