#include "checkpoint/gguf/model_file.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/gguf_builder.h"
#include "support/paths.h"

namespace caravan {
namespace {

using test::error_of;

TEST(GgufModelFile, IsWhatAPathNamesOrTheOnlyOneInAFolder) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(find_gguf(folder.path()), std::nullopt);
  EXPECT_EQ(find_gguf(folder / "there_is_no.gguf"), folder / "there_is_no.gguf");
  EXPECT_EQ(find_gguf(folder / "model"), std::nullopt);
  const std::filesystem::path one = folder.write("one.gguf", "GGUF");
  EXPECT_EQ(find_gguf(folder.path()), one);
  static_cast<void>(folder.write("two.gguf", "GGUF"));
  EXPECT_EQ(error_of([&] { find_gguf(folder.path()); }),
            folder.path().string() +
                ": holds 2 GGUF files, expected one, or a --model-path that names the file itself");
}

TEST(GgufModelFile, IsNotTakenFromAFolderWithSafetensors) {
  const test::TemporaryFolder folder;
  static_cast<void>(folder.write("one.gguf", "GGUF"));
  static_cast<void>(folder.write("model.safetensors", "x"));
  EXPECT_EQ(find_gguf(folder.path()), std::nullopt);
}

TEST(GgufModelFile, IsAWholeModelOfTheLlamaFamily) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](const test::GgufBuilder& builder) {
    const std::filesystem::path path = folder.write("m.gguf", builder.bytes());
    const std::string message = error_of([&] { open_gguf(path); });
    return message.starts_with(path.string()) ? message.substr(path.string().size() + 2) : message;
  };
  EXPECT_EQ(refusal(test::tiny_llama()), "no Error");
  EXPECT_EQ(refusal(test::GgufBuilder()), "field \"general.architecture\" is missing, expected a string");
  EXPECT_EQ(refusal(test::GgufBuilder().text("general.architecture", "gemma3")),
            "field \"general.architecture\" is the string \"gemma3\", expected llama or qwen2moe, the "
            "architectures that Caravan reads from GGUF files");
  EXPECT_EQ(refusal(test::tiny_llama().field("split.count", 2, test::raw(uint16_t{3}))),
            "field \"split.count\" is the number 3, expected a whole model: join its parts by "
            "llama-gguf-split --merge");
}

}  // namespace
}  // namespace caravan
