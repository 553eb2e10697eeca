// `caravan info`: what a checkpoint is.
#pragma once

#include <string>
#include <vector>

#include "cli/flags/options.h"

namespace caravan::cli {

const Command& info_command();
/// Returns the exit code.
int info(const std::vector<std::string>& words);

}  // namespace caravan::cli
