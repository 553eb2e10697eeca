#include "device/numa.h"

#include <gtest/gtest.h>

namespace caravan {
namespace {

TEST(ParseNumberList, ReadsNumbersAndRanges) {
  EXPECT_EQ(parse_number_list("0"), (std::vector<int>{0}));
  EXPECT_EQ(parse_number_list("0-2,5\n"), (std::vector<int>{0, 1, 2, 5}));
}

TEST(ParseNumberList, IsEmptyForAnythingElse) {
  for (const char* text : {"", "x", "3-1", "0-", "-1", "0-99999999", "1;2"})
    EXPECT_TRUE(parse_number_list(text).empty()) << text;
}

TEST(NumaNodes, AreAtLeastOne) {
  EXPECT_FALSE(numa_nodes().empty());
  if (numa_nodes().size() == 1) {
    EXPECT_TRUE(interleave_memory());
  }
}

}  // namespace
}  // namespace caravan
