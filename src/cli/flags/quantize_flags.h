// The flags that say how weights are rounded while they are loaded, shared by every command that loads a
// model. Thread safety: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "cli/flags/options.h"
#include "models/quantization.h"

namespace caravan::cli {

std::vector<Option> quantize_options();

/// Nothing where weights are to stay as they are. Throws Error on a value that is wrong.
std::optional<LoadQuantization> parse_quantize_flags(const Arguments& arguments);

}  // namespace caravan::cli
