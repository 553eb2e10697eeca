#include "cli/show/progress_line.h"

#include <unistd.h>

#include <iostream>

#include "base/machine.h"

namespace caravan::cli {

void ProgressLine::show(const std::string& text) {
  // More often than this nobody can read, and writing takes time from what is measured.
  constexpr double kInterval = 0.1;
  if (!shown_ || seconds_now() - last_ < kInterval) return;
  last_ = seconds_now();
  std::cerr << "\r\033[K" << text << std::flush;
}

void ProgressLine::clear() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
  last_ = 0.0;
}

bool error_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace caravan::cli
