#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/config.h"
#include "support/errors.h"

namespace caravan {
namespace {

/// A config of 1000 positions and heads of 8, with `fields` more.
ModelConfig parse(const std::string& fields) {
  return parse_config(
      R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 8, "vocab_size": 100, "max_position_embeddings": 1000)" +
          fields + "}",
      "config.json");
}

ModelConfig scaled(const std::string& fields) { return parse(", \"rope_scaling\": {" + fields + "}"); }

TEST(RopeConfig, ReadsOldAndNewSpellingsAlike) {
  const std::vector<std::string> spellings = {
      R"(, "rope_theta": 500, "rope_scaling": {"type": "linear", "factor": 4})",
      R"(, "rope_theta": 500, "rope_scaling": {"rope_type": "linear", "factor": 4.0})",
      R"(, "rope_theta": 500, "rope_scaling": {"rope_type": "linear", "type": "old", "factor": 4.0})",
      R"(, "rope_parameters": {"rope_type": "linear", "rope_theta": 500.0, "factor": 4.0})",
      R"(, "rope_theta": 7, "rope_parameters": {"rope_type": "linear", "rope_theta": 500.0, "factor": 4.0})",
      R"(, "rope_theta": 500, "rope_parameters": {"type": "linear", "factor": 4.0}, "rope_scaling": null)",
      R"(, "rope_theta": 500, "rope_parameters": {"rope_type": "linear", "factor": 4.0}, "rope_scaling": {})",
  };
  for (const std::string& each : spellings) {
    const RopeConfig rope = parse(each).rope;
    EXPECT_EQ(rope.scaling, RopeScaling::kLinear) << each;
    EXPECT_EQ(rope.theta, 500.0) << each;
    EXPECT_EQ(rope.factor, 4.0) << each;
  }
}

TEST(RopeConfig, TakesTheDefaultTypeForNoScaling) {
  for (const std::string fields :
       {R"("rope_type": "default")", "\"rope_theta\": 10000.0", "\"type\": null"}) {
    const ModelConfig config = parse(", \"rope_parameters\": {" + fields + "}");
    EXPECT_EQ(config.rope.scaling, RopeScaling::kNone);
    EXPECT_EQ(config.max_position, 1000);
  }
}

TEST(RopeConfig, StretchesTheContextByTheFactorOfLinearAndDynamic) {
  for (const std::string type : {"linear", "dynamic"}) {
    const ModelConfig config = scaled(R"("type": ")" + type + R"(", "factor": 2.5)");
    EXPECT_EQ(config.max_position, 2500) << type;
    EXPECT_EQ(config.rope.original_max_position, 1000) << type;
    EXPECT_EQ(config.rope.attention_factor, 1.0) << type;
  }
}

TEST(RopeConfig, ReadsLlama3) {
  const ModelConfig config = scaled(R"("rope_type": "llama3", "factor": 8.0, "low_freq_factor": 2.0,
    "high_freq_factor": 5.0, "original_max_position_embeddings": 250)");
  EXPECT_EQ(config.rope.scaling, RopeScaling::kLlama3);
  EXPECT_EQ(config.rope.factor, 8.0);
  EXPECT_EQ(config.rope.low_freq_factor, 2.0);
  EXPECT_EQ(config.rope.high_freq_factor, 5.0);
  EXPECT_EQ(config.rope.original_max_position, 250);
  EXPECT_EQ(config.max_position, 1000);
}

TEST(RopeConfig, TakesTheOriginalLengthFromTheRootFirstAndElseFromMaxPosition) {
  const std::string llama3 =
      R"("rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4)";
  EXPECT_EQ(scaled(llama3).rope.original_max_position, 1000);
  EXPECT_EQ(parse(R"(, "original_max_position_embeddings": 125, "rope_scaling": {)" + llama3 +
                  R"(, "original_max_position_embeddings": 250})")
                .rope.original_max_position,
            125);
}

TEST(RopeConfig, ReadsYarnWithItsDefaults) {
  const ModelConfig config =
      scaled(R"("type": "yarn", "factor": 16.0, "original_max_position_embeddings": 100, "finetuned": true)");
  EXPECT_EQ(config.rope.scaling, RopeScaling::kYarn);
  EXPECT_EQ(config.rope.factor, 16.0);
  EXPECT_EQ(config.rope.original_max_position, 100);
  EXPECT_EQ(config.rope.beta_fast, 32.0);
  EXPECT_EQ(config.rope.beta_slow, 1.0);
  EXPECT_TRUE(config.rope.truncate);
  EXPECT_EQ(config.rope.attention_factor, 0.1 * std::log(16.0) + 1.0);
  EXPECT_EQ(config.max_position, 1600);
}

TEST(RopeConfig, ReadsEveryOptionOfYarn) {
  const ModelConfig config =
      scaled(R"("rope_type": "yarn", "factor": 2, "original_max_position_embeddings": 100,
    "attention_factor": 0.75, "beta_fast": 24, "beta_slow": 2, "truncate": false, "mscale": 3, "mscale_all_dim": 2)");
  EXPECT_EQ(config.rope.attention_factor, 0.75);
  EXPECT_EQ(config.rope.beta_fast, 24.0);
  EXPECT_EQ(config.rope.beta_slow, 2.0);
  EXPECT_FALSE(config.rope.truncate);
  EXPECT_EQ(config.max_position, 1000);  // longer than 2 x 100
}

TEST(RopeConfig, WorksOutYarnsAttentionFactorFromBothScalesOrNeither) {
  const std::string yarn = R"("rope_type": "yarn", "factor": 8.0)";
  const double usual = 0.1 * std::log(8.0) + 1.0;
  EXPECT_EQ(scaled(yarn + R"(, "mscale": 2.0, "mscale_all_dim": 0.5)").rope.attention_factor,
            (0.1 * 2.0 * std::log(8.0) + 1.0) / (0.1 * 0.5 * std::log(8.0) + 1.0));
  EXPECT_EQ(scaled(yarn + R"(, "mscale": 2.0)").rope.attention_factor, usual);
  EXPECT_EQ(scaled(yarn + R"(, "mscale": 2.0, "mscale_all_dim": 0)").rope.attention_factor, usual);
  EXPECT_EQ(scaled(R"("rope_type": "yarn", "factor": 1.0)").rope.attention_factor, 1.0);
}

TEST(RopeConfig, ImpliesYarnsFactorFromTheTwoLengths) {
  const ModelConfig config = scaled(R"("rope_type": "yarn", "original_max_position_embeddings": 250)");
  EXPECT_EQ(config.rope.factor, 4.0);
  EXPECT_EQ(config.max_position, 1000);
}

TEST(RopeConfig, TakesZeroBetasForTheDefaultsAsTransformersDoes) {
  const RopeConfig rope =
      scaled(R"("rope_type": "yarn", "factor": 8.0, "beta_fast": 0, "beta_slow": null)").rope;
  EXPECT_EQ(rope.beta_fast, 32.0);
  EXPECT_EQ(rope.beta_slow, 1.0);
}

struct BadRope {
  std::string fields;
  std::string message;  ///< after "config.json: field "
};

TEST(RopeConfig, RefusesWhatItDoesNotKnowOrCannotCompute) {
  const std::string types =
      ", expected a rope type that Caravan supports: default, linear, dynamic, llama3 or yarn";
  const std::string factor = ", expected a number from 1 to 1e+06";
  const std::vector<BadRope> cases = {
      {R"(, "rope_theta": 0)", "\"rope_theta\" is the number 0, expected a number from 2 to 1e+15"},
      {R"(, "rope_theta": "1e4")", R"("rope_theta" is the string "1e4", expected a number from 2 to 1e+15)"},
      {R"(, "rope_scaling": [1])", "\"rope_scaling\" is an array of 1, expected an object"},
      {R"(, "rope_scaling": {"type": "longrope"})",
       R"("rope_scaling.type" is the string "longrope")" + types},
      {R"(, "rope_scaling": {"rope_type": "su"})", R"("rope_scaling.rope_type" is the string "su")" + types},
      {R"(, "rope_parameters": {"rope_type": "mrope"})",
       R"("rope_parameters.rope_type" is the string "mrope")" + types},
      {R"(, "rope_scaling": {"rope_type": 3})",
       "\"rope_scaling.rope_type\" is the number 3, expected a string"},
      {R"(, "rope_parameters": {"full_attention": {"rope_type": "default"}})",
       "\"rope_parameters.full_attention\" is an object, expected no field of this name: every layer has the "
       "same rope"},
      {R"(, "rope_scaling": {"type": "linear"})", "\"rope_scaling.factor\" is missing" + factor},
      {R"(, "rope_scaling": {"type": "dynamic", "factor": 0.5})",
       "\"rope_scaling.factor\" is the number 0.5" + factor},
      {R"(, "rope_scaling": {"type": "linear", "factor": 100000})",
       "\"rope_scaling.factor\" is the number 100000, expected one that gives a context of at most 33554432 "
       "tokens"},
      {R"(, "rope_scaling": {"type": "yarn"})", "\"rope_scaling.factor\" is missing" + factor},
      {R"(, "rope_scaling": {"type": "yarn", "factor": 2, "beta_fast": 1, "beta_slow": 2})",
       "\"rope_scaling.beta_fast\" is the number 1, expected a number that is at least beta_slow"},
      {R"(, "rope_scaling": {"type": "yarn", "factor": 2, "original_max_position_embeddings": 0})",
       "\"rope_scaling.original_max_position_embeddings\" is the number 0, expected an integer from 1 to "
       "33554432"},
      {R"(, "rope_scaling": {"type": "yarn", "factor": 2, "truncate": 1})",
       "\"rope_scaling.truncate\" is the number 1, expected true or false"},
      {R"(, "rope_scaling": {"type": "llama3", "factor": 8})",
       "\"rope_scaling.low_freq_factor\" is missing, expected a number from 0.001 to 1e+06"},
      {R"(, "rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4})",
       "\"rope_scaling.high_freq_factor\" is the number 4, expected a number above low_freq_factor"},
      {R"(, "rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.25})",
       "\"rope_parameters.partial_rotary_factor\" is the number 0.25, expected 1, because LLaMA-family "
       "models rotate "
       "whole heads"},
      {R"(, "head_dim": 2, "rope_scaling": {"rope_type": "dynamic", "factor": 2})",
       R"("rope_scaling.rope_type" is the string "dynamic", expected another type for a head_dim of 2)"},
  };
  for (const BadRope& each : cases) {
    EXPECT_EQ(test::error_of([&each] { parse(each.fields); }), "config.json: field " + each.message)
        << each.fields;
  }
}

}  // namespace
}  // namespace caravan
