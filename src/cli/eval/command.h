// `caravan eval`: how good checkpoints are, side by side.
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/eval/plan.h"

namespace caravan::eval {

/// Returns the exit code.
int eval(const std::vector<std::string>& words);

}  // namespace caravan::eval
