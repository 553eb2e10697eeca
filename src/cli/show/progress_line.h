// One line on a terminal, which the next one replaces.
// Thread safety: one thread.
#pragma once

#include <string>

namespace caravan::cli {

class ProgressLine {
 public:
  /// Where not `shown`, everything is silent.
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Shows `text` on standard error in the place of what stood there; not more often than people can read.
  void show(const std::string& text);
  void clear();

 private:
  bool shown_;
  double last_ = 0.0;
};

/// Whether standard error is a terminal, on which a progress line makes sense.
bool error_is_terminal();

}  // namespace caravan::cli
