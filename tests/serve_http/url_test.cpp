#include "serve/http/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/errors.h"

namespace caravan::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(Target, IsAPathAndAQuery) {
  const Target target = parse_target("/v1/models?limit=5&after=x");
  EXPECT_EQ(target.path, "/v1/models");
  EXPECT_THAT(target.query, ElementsAre(Pair("after", "x"), Pair("limit", "5")));
}

TEST(Target, IsPercentDecoded) {
  EXPECT_EQ(parse_target("/a%20b%2Fc%C3%A9").path, "/a b/cé");
  EXPECT_EQ(parse_target("/a+b").path, "/a+b");
  EXPECT_THAT(parse_target("/?q=a+b%2B%26&%6e=1").query, ElementsAre(Pair("n", "1"), Pair("q", "a b+&")));
}

TEST(Target, TakesTheLastOfEqualNamesAndEmptyValues) {
  EXPECT_THAT(parse_target("/?a=1&a=2&b&&c=").query,
              ElementsAre(Pair("a", "2"), Pair("b", ""), Pair("c", "")));
  EXPECT_THAT(parse_target("/?").query, testing::IsEmpty());
  EXPECT_THAT(parse_target("/?a=b=c").query, ElementsAre(Pair("a", "b=c")));
}

TEST(Target, MayBeAbsolute) {
  EXPECT_EQ(parse_target("http://host:80/health").path, "/health");
  EXPECT_EQ(parse_target("HTTPS://host/health").path, "/health");
  EXPECT_EQ(parse_target("http://host").path, "/");
  const Target target = parse_target("http://host?a=1");
  EXPECT_EQ(target.path, "/");
  EXPECT_THAT(target.query, ElementsAre(Pair("a", "1")));
  EXPECT_EQ(parse_target("*").path, "*");
}

TEST(Target, RefusesBadEscapes) {
  for (const char* target : {"/%", "/%2", "/%2g", "/%g2", "/?a=%", "/?%zz=1"}) {
    EXPECT_THAT(test::error_of([&] { (void)parse_target(target); }), HasSubstr("two hexadecimal digits"))
        << target;
  }
}

TEST(Target, RefusesWhatIsNoText) {
  for (const char* target : {"/%00", "/%ff", "/%C3", "/a%0Ab", "/?a=%00", "/?a=%ed%a0%80"}) {
    EXPECT_THAT(test::error_of([&] { (void)parse_target(target); }), HasSubstr("UTF-8 text")) << target;
  }
  EXPECT_EQ(parse_target("/?text=%0A").query.at("text"), "\n");
}

TEST(Target, RefusesOtherForms) {
  for (const char* target : {"", "host:443", "v1/models", "?a=1", "ftp://host/"}) {
    EXPECT_THAT(test::error_of([&] { (void)parse_target(target); }), HasSubstr("begins with \"/\""))
        << target;
  }
  EXPECT_THAT(test::error_of([] { (void)parse_target("/a#b"); }), HasSubstr("no fragment"));
}

}  // namespace
}  // namespace caravan::http
