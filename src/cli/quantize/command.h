// `caravan quantize`: makes a quantised checkpoint of one that is not.
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/flags/options.h"

namespace caravan::cli {

const Command& quantize_command();

/// Returns the exit code.
int quantize(const std::vector<std::string>& words);

}  // namespace caravan::cli
