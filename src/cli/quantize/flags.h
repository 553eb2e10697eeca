// The command line of `caravan quantize`, checked as a whole before anything is read.
// Thread safety: value types.
#pragma once

#include <filesystem>
#include <optional>

#include "cli/flags/options.h"
#include "quantize/options.h"

namespace caravan::cli {

struct QuantizeFlags {
  std::filesystem::path model;
  std::filesystem::path output;
  QuantizeOptions options;
  std::optional<std::filesystem::path> calibration;  ///< nothing: the model's own, or none is needed
  int64_t calibration_tokens = 0;                    ///< at most
};

/// Throws Error on a value that is wrong, and on values that do not go together.
QuantizeFlags parse_quantize_command(const Arguments& arguments);

}  // namespace caravan::cli
