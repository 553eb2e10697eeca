#include "serve/router.h"

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

TEST(AllDialects, HaveNoPathInCommon) { EXPECT_NO_THROW(Router{all_dialects()}); }

}  // namespace
}  // namespace caravan::serve
