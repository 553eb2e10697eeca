#include "cli/show/report_file.h"

#include <iostream>

#include "base/error.h"

namespace caravan::cli {

ReportFile::ReportFile(const std::optional<std::string>& path) : to_output_(path == "-") {
  if (path.has_value() && !to_output_) file_ = std::make_unique<OutputFile>(*path);
}

void ReportFile::write(const std::string& text) {
  if (to_output_) std::cout << text;
  if (file_ == nullptr) return;
  file_->write(text);
  file_->commit();
}

void require_output_written() {
  std::cout.flush();
  if (!std::cout) fail("standard output: writing failed, expected it to stay open until the end");
}

}  // namespace caravan::cli
