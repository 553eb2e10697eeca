// The options of commands that measure: where their report goes.
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>

#include "cli/flags/options.h"

namespace caravan::cli {

struct ReportFlags {
  std::optional<std::string> json;  ///< "-" is standard output
  std::optional<std::string> csv;   ///< "-" is standard output
  std::optional<std::string> plot;
};

/// Reads --json, --csv and `plot`, the flag of the drawing. Throws Error where two name the same place, a
/// name is empty, or the drawing would go to standard output.
ReportFlags parse_report_flags(const Arguments& arguments, const char* plot = "--plot");

}  // namespace caravan::cli
