// The command line of `caravan eval`: which checkpoints are compared, on what, checked as a whole before
// anything is loaded. Thread safety: value types.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "cli/flags/engine_flags.h"
#include "cli/flags/options.h"
#include "cli/flags/report_flags.h"
#include "models/config.h"

namespace caravan::eval {

/// One of the checkpoints, as it is to be run.
struct PlannedCheckpoint {
  cli::EngineFlags flags;
  ModelConfig config;
};

struct EvalPlan {
  std::vector<PlannedCheckpoint> checkpoints;  ///< at least one, in the order of the report
  size_t baseline = 0;                         ///< which of them
  std::optional<std::filesystem::path> text;
  std::optional<std::filesystem::path> questions;  ///< at least one of the two
  int64_t max_length = 0;                          ///< tokens of a window
  int64_t stride = 0;                              ///< from one window to the next
  std::optional<bool> end_token;                   ///< scored after each text; nothing: after those of rows
  std::optional<int64_t> limit;                    ///< windows, and questions
  cli::ReportFlags report;
};

const cli::Command& eval_command();

/// Throws Error on a value that is wrong, and where there is nothing to evaluate.
EvalPlan parse_eval_plan(const cli::Arguments& arguments);

}  // namespace caravan::eval
