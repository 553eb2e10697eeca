#include "serve/http/request_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace caravan::http {
namespace {

TEST(RequestId, IsSaneFrom1To128VisibleCharacters) {
  EXPECT_TRUE(sane_request_id("a"));
  EXPECT_TRUE(sane_request_id("!~0aZ-_:"));
  EXPECT_TRUE(sane_request_id(std::string(128, 'x')));
  EXPECT_FALSE(sane_request_id(""));
  EXPECT_FALSE(sane_request_id(std::string(129, 'x')));
  for (const char* id : {"a b", "a\tb", "a\nb", "\x7f", "\xc3\xa9"}) EXPECT_FALSE(sane_request_id(id)) << id;
}

TEST(RequestId, IsMadeOf128RandomBits) {
  std::set<std::string> made;
  for (int i = 0; i < 1000; ++i) made.insert(make_request_id());
  EXPECT_EQ(made.size(), 1000U);
  EXPECT_EQ(made.begin()->find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(made.begin()->size(), 32U);
}

}  // namespace
}  // namespace caravan::http
