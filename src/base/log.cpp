#include "base/log.h"

#include <array>
#include <atomic>
#include <cstdio>

#include "base/error.h"

namespace caravan {

namespace {

constexpr std::array<const char*, 4> kNames = {"debug", "info", "warning", "error"};

// The one process-wide setting: a log line can come from anywhere, also before any options struct exists.
std::atomic<LogLevel>& current_level() {
  static std::atomic<LogLevel> level{LogLevel::kWarning};
  return level;
}

}  // namespace

void set_log_level(LogLevel level) { current_level().store(level); }

LogLevel log_level() { return current_level().load(); }

LogLevel parse_log_level(const std::string& text, const std::string& flag) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (text == kNames.at(i) || text == std::to_string(i)) return static_cast<LogLevel>(i);
  }
  fail(flag, ": found ", in_quotes(text), ", expected debug, info, warning or error, or 0 to 3");
}

void write_log(LogLevel level, const std::string& message) {
  const std::string line =
      std::string("caravan: ") + kNames.at(static_cast<size_t>(level)) + ": " + message + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace caravan
