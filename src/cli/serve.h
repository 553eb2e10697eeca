// `caravan serve`: a model behind the HTTP APIs that clients already speak.
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/flags/options.h"

namespace caravan::cli {

const Command& serve_command();
/// Serves until SIGTERM or SIGINT, and returns 0. Throws Error on what is wrong.
int serve(const std::vector<std::string>& words);

}  // namespace caravan::cli
