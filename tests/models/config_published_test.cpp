// The shipped configs of models/configs against the parameter counts that the models were published with.
#include <gtest/gtest.h>

#include <map>

#include "models/config.h"
#include "support/paths.h"

namespace caravan {
namespace {

namespace fs = std::filesystem;

// The total_parameters of the published checkpoints, by adding up their tensors.
const std::map<std::string, int64_t>& published_parameters() {
  static const std::map<std::string, int64_t> counts = {
      {"llama-1-7b", 6'738'415'616},
      {"llama-1-13b", 13'015'864'320},
      {"llama-1-30b", 32'528'943'616},
      {"llama-1-65b", 65'285'660'672},
      {"llama-2-7b", 6'738'415'616},
      {"llama-2-13b", 13'015'864'320},
      {"llama-2-70b", 68'976'648'192},
      {"codellama-7b", 6'738'546'688},
      {"codellama-13b", 13'016'028'160},
      {"codellama-34b", 33'743'970'304},
      {"codellama-70b", 68'976'910'336},
      {"llama-3-8b", 8'030'261'248},
      {"llama-3-70b", 70'553'706'496},
      {"llama-3.1-8b", 8'030'261'248},
      {"llama-3.1-70b", 70'553'706'496},
      {"llama-3.1-405b", 405'853'388'800},
      {"llama-3.2-1b", 1'235'814'400},
      {"llama-3.2-3b", 3'212'749'824},
      {"llama-3.3-70b", 70'553'706'496},
      {"tinyllama-1.1b", 1'100'048'384},
      {"atom-7b", 7'008'751'616},
      {"mistral-7b-v0.1", 7'241'732'096},
      {"mistral-7b-v0.2", 7'241'732'096},
      {"mistral-7b-v0.3", 7'248'023'552},
      {"mixtral-8x7b-v0.1", 46'702'792'704},
      {"mixtral-8x22b-v0.1", 140'620'634'112},
      {"qwen1.5-moe-a2.7b", 14'315'784'192},
  };
  return counts;
}

TEST(PublishedConfigs, AreThereAndHaveThePublishedNumberOfParameters) {
  for (const auto& [name, parameters] : published_parameters()) {
    const ModelConfig config = load_config(test::source_dir() / "models" / "configs" / name);
    EXPECT_EQ(config.parameters(), parameters) << name;
  }
}

TEST(PublishedConfigs, UseAFewOfTheirExpertsForAToken) {
  const auto billions = [](const char* name) {
    const ModelConfig config = load_config(test::source_dir() / "models" / "configs" / name);
    return static_cast<double>(config.active_parameters()) / 1e9;
  };
  // "12.9B", "39B" and "2.7B" (without the embeddings) in their announcements.
  EXPECT_NEAR(billions("mixtral-8x7b-v0.1"), 12.9, 0.05);
  EXPECT_NEAR(billions("mixtral-8x22b-v0.1"), 39.0, 0.3);
  EXPECT_NEAR(billions("qwen1.5-moe-a2.7b"), 2.7, 0.05);
}

TEST(PublishedConfigs, AreAllListedHere) {
  for (const auto& entry : fs::directory_iterator(test::source_dir() / "models" / "configs")) {
    if (!entry.is_directory()) continue;
    EXPECT_TRUE(published_parameters().contains(entry.path().filename())) << entry.path();
  }
}

TEST(PublishedConfigs, SayHowLlama31StretchesItsContext) {
  const ModelConfig config = load_config(test::source_dir() / "models" / "configs" / "llama-3.1-8b");
  EXPECT_EQ(config.max_position, 131072);
  EXPECT_EQ(config.rope.scaling, RopeScaling::kLlama3);
  EXPECT_EQ(config.rope.original_max_position, 8192);
}

TEST(PublishedConfigs, GiveOnlyTheFirstMistralASlidingWindow) {
  const auto window = [](const char* name) {
    return load_config(test::source_dir() / "models" / "configs" / name).sliding_window;
  };
  EXPECT_EQ(window("mistral-7b-v0.1"), 4096);
  EXPECT_EQ(window("mistral-7b-v0.2"), 0);
  EXPECT_EQ(window("mistral-7b-v0.3"), 0);
}

}  // namespace
}  // namespace caravan
