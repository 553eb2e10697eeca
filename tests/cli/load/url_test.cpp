#include "cli/load/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/load/slo.h"
#include "support/errors.h"

namespace caravan::load {
namespace {

using testing::HasSubstr;

TEST(Url, HasHostPortAndPath) {
  const Url url = parse_url("--url", "http://127.0.0.1:8000");
  EXPECT_FALSE(url.tls);
  EXPECT_EQ(url.host, "127.0.0.1");
  EXPECT_EQ(url.port, "8000");
  EXPECT_EQ(url.path, "");
  EXPECT_EQ(url.authority(), "127.0.0.1:8000");
  const Url proxy = parse_url("--url", "https://some.host/a/b/");
  EXPECT_TRUE(proxy.tls);
  EXPECT_EQ(proxy.port, "443");
  EXPECT_EQ(proxy.path, "/a/b");
  EXPECT_EQ(proxy.authority(), "some.host");
}

TEST(Url, MayEndWithTheVersionThatClientsAreGiven) {
  EXPECT_EQ(parse_url("--url", "http://a/v1").path, "");
  EXPECT_EQ(parse_url("--url", "http://a/v1/").path, "");
  EXPECT_EQ(parse_url("--url", "http://a/x/v1").path, "/x");
}

TEST(Url, MayHaveAnIpv6Address) {
  const Url url = parse_url("--url", "http://[::1]:80/");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, "80");
  EXPECT_EQ(url.authority(), "[::1]");
}

TEST(Url, ThatIsNoneIsRefused) {
  for (const char* text : {"", "127.0.0.1:8000", "ftp://a", "http://", "http://:80", "http://a:0",
                           "http://a:x", "http://a:65536", "http://u:p@a", "http://a?x", "http://a b",
                           "http://[::1", "http://[::1]x", "http://a/\r\nX: y"}) {
    EXPECT_THAT(test::error_of([text] { parse_url("--url", text); }), HasSubstr("--url: found \"")) << text;
  }
}

TEST(Slo, HasEachGoalOnce) {
  const Slo slo = parse_slo("--slo", "e2e:3000,ttft:200.5");
  EXPECT_EQ(slo.ttft_ms, 200.5);
  EXPECT_EQ(slo.tpot_ms, std::nullopt);
  EXPECT_EQ(slo.e2e_ms, 3000.0);
  for (const char* text :
       {"", "ttft", "ttft:", "ttft:0", "ttft:nan", "ttft:1,ttft:2", "x:1", "ttft:1,", "ttft:1ms"}) {
    EXPECT_THAT(test::error_of([text] { parse_slo("--slo", text); }),
                HasSubstr("expected any of ttft:MS, tpot:MS and e2e:MS"))
        << text;
  }
}

}  // namespace
}  // namespace caravan::load
