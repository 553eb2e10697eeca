// `caravan graph`: a model's graph as a mode runs it, what each pass changed, and the plan of its memory.
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/flags/options.h"

namespace caravan::cli {

const Command& graph_command();
int graph(const std::vector<std::string>& words);

}  // namespace caravan::cli
