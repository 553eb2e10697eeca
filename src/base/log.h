// Log lines on standard error, one level for the process.
// Thread safety: log() may be called from any thread; a line is written in one piece.
#pragma once

#include <sstream>
#include <string>

namespace caravan {

/// The seeds' 0 to 3, in the same order.
enum class LogLevel : int { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

/// Lines below `level` are dropped from now on. The default is kWarning.
void set_log_level(LogLevel level);
LogLevel log_level();

/// The level that "debug", "info", "warning", "error" or "0" to "3" names. Throws Error, naming `flag`, on
/// others.
LogLevel parse_log_level(const std::string& text, const std::string& flag);

/// Writes "caravan: LEVEL: message" and a line end, if `level` is at least the process's.
void write_log(LogLevel level, const std::string& message);

template <typename... Parts>
void log(LogLevel level, const Parts&... parts) {
  if (level < log_level()) return;
  std::ostringstream message;
  (message << ... << parts);
  write_log(level, message.str());
}

}  // namespace caravan
