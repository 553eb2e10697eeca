#include "serve/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/all_dialects.h"
#include "serve/api/match_path.h"

namespace caravan::serve {
namespace {

Route route(const std::string& method, const std::string& path) { return {method, path, nullptr}; }

Dialect dialect(std::vector<Route> routes) { return {"test", std::move(routes), nullptr}; }

TEST(MatchPath, TakesNamesPartByPart) {
  const auto values = match_path("/v2/models/{m}/versions/{v}", "/v2/models/a/versions/1");
  ASSERT_TRUE(values.has_value());
  EXPECT_EQ(values->at("m"), "a");
  EXPECT_EQ(values->at("v"), "1");
  EXPECT_FALSE(match_path("/v2/models/{m}", "/v2/models/a/b").has_value());
  EXPECT_FALSE(match_path("/v2/models/{m}", "/v2/models/").has_value());
}

TEST(MatchPath, TakesTheRestWhereAskedTo) {
  EXPECT_EQ(match_path("/v1/models/{model...}", "/v1/models/org/name")->at("model"), "org/name");
  EXPECT_FALSE(match_path("/v1/models/{model...}", "/v1/models/").has_value());
}

TEST(Router, PrefersThePathWithoutNames) {
  const Router router({dialect({route("GET", "/health/{t}"), route("GET", "/health/timed")})});
  EXPECT_TRUE(router.find("GET", "/health/timed").values.empty());
  EXPECT_EQ(router.find("HEAD", "/health/x").values.at("t"), "x");
}

TEST(Router, TellsAWrongPathFromAWrongMethod) {
  const Router router({dialect({route("GET", "/a")})});
  const auto kind_of = [&](const std::string& method, const std::string& path) {
    try {
      static_cast<void>(router.find(method, path));
    } catch (const RequestError& error) {
      return error.failure().kind;
    }
    return FailureKind::kInternal;
  };
  EXPECT_EQ(kind_of("GET", "/b"), FailureKind::kNotFound);
  EXPECT_EQ(kind_of("PUT", "/a"), FailureKind::kMethod);
}

TEST(Router, NamesTheMethodsThatAPathTakes) {
  const Router router({dialect({route("GET", "/a"), route("GET", "/v/{x}")}),
                       dialect({route("POST", "/a"), route("GET", "/v/b"), route("POST", "/c")})});
  const auto methods_of = [&](const std::string& path, bool read_elsewhere) {
    try {
      static_cast<void>(router.find("PUT", path, read_elsewhere));
    } catch (const RequestError& error) {
      return error.failure().methods;
    }
    return std::string("found");
  };
  EXPECT_EQ(methods_of("/a", false), "GET, HEAD, POST");
  EXPECT_EQ(methods_of("/v/b", false), "GET, HEAD");
  EXPECT_EQ(methods_of("/c", false), "POST");
  EXPECT_EQ(methods_of("/c", true), "GET, HEAD, POST");
  EXPECT_EQ(methods_of("/d", true), "GET, HEAD");
}

TEST(AllDialects, SayWhichMethodsAPathTakes) {
  for (const Dialect& dialect : all_dialects()) {
    const http::Response response = dialect.failure({FailureKind::kMethod, "why", "", "", "GET, HEAD"});
    using Header = std::pair<std::string, std::string>;
    EXPECT_THAT(response.headers, testing::Contains(Header("Allow", "GET, HEAD"))) << dialect.name;
    EXPECT_THAT(dialect.failure({FailureKind::kUnauthorized, "why", "", ""}).headers,
                testing::Contains(Header("WWW-Authenticate", "Bearer")))
        << dialect.name;
  }
}

TEST(AllDialects, HaveNoPathInCommon) { EXPECT_NO_THROW(Router{all_dialects()}); }

}  // namespace
}  // namespace caravan::serve
