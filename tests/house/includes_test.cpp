#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "house/rooms.h"
#include "support/paths.h"

namespace caravan::house {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

TEST(Includes, FollowTheTable) {
  EXPECT_THAT(wrong_includes(test::source_dir() / "src", rooms()), IsEmpty());
}

/// A small tree of two rooms, of which `upper` may include `lower`.
class MadeUpTree : public testing::Test {
 protected:
  MadeUpTree() {
    write("lower/low.h", "");
    write("upper/up.h", "#include \"lower/low.h\"\n");
  }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }

  test::TemporaryFolder folder_;
  RoomTable table_ = {{"lower", {}}, {"upper", {"lower"}}};
};

TEST_F(MadeUpTree, PassesAsTheTableSays) { EXPECT_THAT(wrong_includes(folder_.path(), table_), IsEmpty()); }

TEST_F(MadeUpTree, FailsOnAnIncludeThatGoesUp) {
  write("lower/low.h", "#include \"upper/up.h\"\n");
  EXPECT_THAT(wrong_includes(folder_.path(), table_),
              ElementsAre("lower/low.h includes upper/up.h, which lower may not"));
}

TEST_F(MadeUpTree, FailsOnAFolderThatIsNoRoom) {
  write("attic/old.cpp", "");
  EXPECT_THAT(wrong_includes(folder_.path(), table_),
              ElementsAre("attic/old.cpp is in no room of the table"));
}

TEST_F(MadeUpTree, FailsOnAnEmptyRoom) {
  table_["cellar"] = {};
  EXPECT_THAT(wrong_includes(folder_.path(), table_), ElementsAre("the room cellar is empty"));
}

TEST_F(MadeUpTree, FailsOnACycleInTheTable) {
  table_["lower"] = {"upper"};
  EXPECT_THAT(wrong_includes(folder_.path(), table_), testing::Contains(HasSubstr("cycle")));
}

}  // namespace
}  // namespace caravan::house
