// `caravan bench`: how fast a model prefills and decodes here, and how near that is to what the machine can
// do. Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/bench/plan.h"

namespace caravan::cli {

int bench(const std::vector<std::string>& words);

}  // namespace caravan::cli
