#include "checkpoint/weight_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors_builder.h"
#include "support/errors.h"
#include "support/paths.h"

namespace caravan {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::safetensors_bytes;
using test::TemporaryFolder;
using testing::ElementsAre;

constexpr const char* kIndex = "model.safetensors.index.json";

/// A file that holds one byte tensor, `name`.
std::string one_tensor(const std::string& name) {
  return safetensors_bytes("{\"" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1);
}

std::vector<std::string> opened(const TemporaryFolder& folder) {
  std::vector<std::string> names;
  for (const WeightFile& file : open_weight_files(folder.path()))
    names.push_back(file.file.path().filename());
  return names;
}

TEST(WeightIndex, MapsTensorsToShards) {
  const auto shard_of = parse_weight_index(
      R"({"metadata": {"total_size": 2}, "weight_map": {"x": "a.safetensors", "y": "b.safetensors"}})",
      "i.json");
  EXPECT_EQ(shard_of.at("x"), "a.safetensors");
  EXPECT_EQ(shard_of.at("y"), "b.safetensors");
}

TEST(WeightIndex, RefusesWhatIsNotTheNameOfAShard) {
  const auto message = [](const std::string& map) {
    return error_of([&map] { parse_weight_index("{\"weight_map\": " + map + "}", "i.json"); });
  };
  const std::string expected = ", expected the name of a *.safetensors file in the same folder";
  const std::string all = "i.json: field \"weight_map\" is ";
  EXPECT_EQ(error_of([] { parse_weight_index("{}", "i.json"); }),
            all + "missing, expected an object that names the shard of every tensor");
  EXPECT_EQ(message("{}"), all + "empty, expected the shard of every tensor");
  EXPECT_EQ(message("[]"), all + "an array of 0, expected an object");
  EXPECT_EQ(message(R"({"x": 3})"), "i.json: field \"weight_map.x\" is the number 3" + expected);
  const auto map_to = [](const std::string& name) { return "{\"x\": " + in_quotes(name) + "}"; };
  const auto refusal = [&expected](const std::string& name) {
    return "i.json: field \"weight_map.x\" is the string " + in_quotes(name) + expected;
  };
  for (const std::string name :
       {"", "../a.safetensors", "/etc/a.safetensors", "s/a.safetensors", "..", "a.bin"}) {
    EXPECT_EQ(message(map_to(name)), refusal(name));
  }
  EXPECT_EQ(message(R"({"x": "a\u0000.safetensors"})"),
            "i.json: field \"weight_map.x\" is the string \"a\\x00.safetensors\"" + expected);
}

TEST(WeightFiles, FollowTheIndexWhereThereIsOne) {
  const TemporaryFolder folder;
  (void)folder.write("model-1.safetensors", one_tensor("x"));
  (void)folder.write("model-2.safetensors", one_tensor("y"));
  (void)folder.write("consolidated.safetensors", "not even read");
  (void)folder.write(kIndex, R"({"weight_map": {"y": "model-2.safetensors", "x": "model-1.safetensors"}})");
  EXPECT_THAT(opened(folder), ElementsAre("model-1.safetensors", "model-2.safetensors"));
}

TEST(WeightFiles, NameAShardThatIsMissing) {
  const TemporaryFolder folder;
  const fs::path index = folder.write(kIndex, R"({"weight_map": {"x": "model-1.safetensors"}})");
  EXPECT_EQ(error_of([&] { opened(folder); }),
            index.string() + ": names the shard \"model-1.safetensors\", which is not in the folder");
}

TEST(WeightFiles, NameATensorThatItsShardLacks) {
  const TemporaryFolder folder;
  (void)folder.write("model-1.safetensors", one_tensor("x"));
  const fs::path index =
      folder.write(kIndex, R"({"weight_map": {"x": "model-1.safetensors", "y": "model-1.safetensors"}})");
  EXPECT_EQ(error_of([&] { opened(folder); }),
            index.string() +
                ": says that the shard \"model-1.safetensors\" holds the tensor \"y\", which it does not");
}

TEST(WeightFiles, AreModelSafetensorsAloneWithoutAnIndex) {
  const TemporaryFolder folder;
  (void)folder.write("model.safetensors", one_tensor("x"));
  (void)folder.write("adapter.safetensors", "not even read");
  EXPECT_THAT(opened(folder), ElementsAre("model.safetensors"));
}

TEST(WeightFiles, AreElseAllSafetensorsInOrder) {
  const TemporaryFolder folder;
  (void)folder.write("b.safetensors", one_tensor("x"));
  (void)folder.write("a.safetensors", one_tensor("y"));
  (void)folder.write("consolidated.safetensors", one_tensor("z"));
  (void)folder.write("c.txt", "");
  EXPECT_THAT(opened(folder), ElementsAre("a.safetensors", "b.safetensors"));
}

TEST(WeightFiles, AreConsolidatedOnesOnlyWhereNothingElseIs) {
  const TemporaryFolder folder;
  (void)folder.write("consolidated.safetensors", one_tensor("z"));
  EXPECT_THAT(opened(folder), ElementsAre("consolidated.safetensors"));
}

TEST(WeightFiles, SayWhatToDoWithOtherFormats) {
  const TemporaryFolder folder;
  (void)folder.write("config.json", "{}");
  EXPECT_EQ(error_of([&] { opened(folder); }),
            folder.path().string() + ": holds no weights, expected *.safetensors files");
  (void)folder.write("pytorch_model.bin", "x");
  EXPECT_EQ(error_of([&] { opened(folder); }),
            folder.path().string() +
                ": holds \"pytorch_model.bin\" but no *.safetensors, which Caravan reads; load it with "
                "transformers "
                "and write it again by save_pretrained(folder, safe_serialization=True)");
}

TEST(WeightFiles, NeedAFolder) {
  const TemporaryFolder folder;
  const std::string missing = (folder / "missing").string();
  EXPECT_EQ(error_of([&] { open_weight_files(missing); }),
            "model path: there is no folder \"" + missing + "\"");
  (void)folder.write("model.safetensors", "");
  EXPECT_EQ(error_of([&] { opened(folder); }), (folder / "model.safetensors").string() + ": is empty");
}

}  // namespace
}  // namespace caravan
