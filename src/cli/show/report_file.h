// Where a report goes: a file, or standard output.
// Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/file.h"

namespace caravan::cli {

/// A report's file, or standard output where the path is "-"; nothing without a path. A file is opened before
/// anything is measured, and stands under its name only once it was written.
class ReportFile {
 public:
  /// Throws Error where the file cannot be made.
  explicit ReportFile(const std::optional<std::string>& path);
  [[nodiscard]] bool is_output() const { return to_output_; }
  /// Once. Throws Error where writing fails.
  void write(const std::string& text);

 private:
  bool to_output_;
  std::unique_ptr<OutputFile> file_;
};

/// Throws Error where standard output did not take all that was written to it.
void require_output_written();

}  // namespace caravan::cli
