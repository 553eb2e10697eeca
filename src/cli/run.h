// `caravan run`: from prompts to texts.
#pragma once

#include <string>
#include <vector>

#include "cli/flags/options.h"

namespace caravan::cli {

const Command& run_command();
/// Returns the exit code.
int run(const std::vector<std::string>& words);

}  // namespace caravan::cli
