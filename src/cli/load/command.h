// `caravan bench serve`: how a server that speaks OpenAI's API does under load.
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/load/plan.h"

namespace caravan::load {

/// Returns 0. Throws Error where something in the command line is wrong, the server does not answer, or no
/// request succeeds.
int bench_serve(const std::vector<std::string>& words);

}  // namespace caravan::load
