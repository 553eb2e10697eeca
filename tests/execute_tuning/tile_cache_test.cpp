#include "execute/tuning/tile_cache.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/paths.h"

namespace caravan {
namespace {

using test::TemporaryFolder;

const TuningMachine kHere = {"a CPU", "avx512", 2};
const TuningMachine kThere = {"another CPU", "avx512", 2};

TileTable some_tiles(int64_t inputs) {
  TileTable table;
  table[{DType::kBF16, 32, 2048, 0}] = {inputs, 0, PanelSplit::kQueue};
  table[{DType::kBF16, 32, 2048, 3}] = {inputs, 48, PanelSplit::kShares};
  table[{DType::kU8, 32, 2048, 0, DType::kBF16, 4, 128}] = {inputs, 48, PanelSplit::kQueue};
  table[{DType::kU8, 32, 2048, 0, DType::kBF16, 8, 0}] = {inputs, 0, PanelSplit::kShares};
  table[{DType::kI8, 32, 2048, 0, DType::kI8, 8, 0}] = {inputs, 0, PanelSplit::kQueue};
  return table;
}

TEST(TileCache, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "made" / "tiles.json";
  EXPECT_TRUE(read_tile_cache(path, kHere).empty());
  write_tile_cache(path, kHere, some_tiles(256));
  EXPECT_EQ(read_tile_cache(path, kHere), some_tiles(256));
}

TEST(TileCache, KeepsOtherMachinesEntriesAndNeverUsesThem) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "tiles.json";
  write_tile_cache(path, kThere, some_tiles(128));
  EXPECT_TRUE(read_tile_cache(path, kHere).empty());
  write_tile_cache(path, kHere, some_tiles(256));
  EXPECT_EQ(read_tile_cache(path, kThere), some_tiles(128));
  TuningMachine more_threads = kHere;
  more_threads.threads = 3;
  EXPECT_TRUE(read_tile_cache(path, more_threads).empty());
}

TEST(TileCache, IgnoresAFileThatIsDamagedWithAWarning) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "tiles.json";
  write_tile_cache(path, kHere, some_tiles(256));
  const std::string good = read_file(path, 100'000);
  const auto replaced = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    EXPECT_NE(text.find(from), std::string::npos) << from;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& bad :
       {std::string("{"), good.substr(0, good.size() / 2), replaced("\"format\": 1", "\"format\": 2"),
        replaced("\"bf16\"", "\"bf61\""), replaced("\"panels\": 32", "\"panels\": -1"),
        replaced("\"queue\"", "\"heap\""), replaced("\"bits\": 4", "\"bits\": 9"),
        replaced("\"range\": 0", "\"range\": 4"), std::string("{\"format\": 1}"), std::string("[]")}) {
    static_cast<void>(folder.write("tiles.json", bad));
    testing::internal::CaptureStderr();
    EXPECT_TRUE(read_tile_cache(path, kHere).empty()) << bad;
    const std::string warning = testing::internal::GetCapturedStderr();
    EXPECT_NE(warning.find("tile shapes is ignored"), std::string::npos) << bad;
    EXPECT_NE(warning.find("tiles.json"), std::string::npos) << warning;
  }
  write_tile_cache(path, kHere, some_tiles(128));  // made anew
  EXPECT_EQ(read_tile_cache(path, kHere), some_tiles(128));
}

TEST(TileCache, WarnsWhereItCannotWrite) {
  const TemporaryFolder folder;
  static_cast<void>(folder.write("file", "x"));
  testing::internal::CaptureStderr();
  write_tile_cache(folder.path() / "file" / "tiles.json", kHere, some_tiles(256));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("are not kept"), std::string::npos);
}

}  // namespace
}  // namespace caravan
