#include "base/log.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace caravan {
namespace {

/// Puts the process's level back at the end of scope.
class LevelRestorer {
 public:
  LevelRestorer() = default;
  ~LevelRestorer() { set_log_level(before_); }
  LevelRestorer(const LevelRestorer&) = delete;
  LevelRestorer& operator=(const LevelRestorer&) = delete;

 private:
  LogLevel before_ = log_level();
};

TEST(ParseLogLevel, TakesNamesAndTheSeedsNumbers) {
  EXPECT_EQ(parse_log_level("debug", "--log-level"), LogLevel::kDebug);
  EXPECT_EQ(parse_log_level("0", "--log-level"), LogLevel::kDebug);
  EXPECT_EQ(parse_log_level("info", "--log-level"), LogLevel::kInfo);
  EXPECT_EQ(parse_log_level("warning", "--log-level"), LogLevel::kWarning);
  EXPECT_EQ(parse_log_level("3", "--log-level"), LogLevel::kError);
}

TEST(ParseLogLevel, NamesTheFlagOnAnythingElse) {
  EXPECT_EQ(test::error_of([] { parse_log_level("4", "--log-level"); }),
            "--log-level: found \"4\", expected debug, info, warning or error, or 0 to 3");
}

TEST(Log, WritesLinesOfTheLevelAndAboveOnStandardError) {
  const LevelRestorer restorer;
  set_log_level(LogLevel::kWarning);
  testing::internal::CaptureStderr();
  log(LogLevel::kInfo, "not shown");
  log(LogLevel::kWarning, "shown ", 1);
  log(LogLevel::kError, "shown ", 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "caravan: warning: shown 1\ncaravan: error: shown 2\n");
}

}  // namespace
}  // namespace caravan
