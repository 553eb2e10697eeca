// The drawing of `caravan eval`: checkpoints beside each other, a panel for each figure.
// Thread safety: a pure function.
#pragma once

#include <string>

#include "cli/eval/report.h"

namespace caravan::eval {

/// An SVG with one bar for each checkpoint in every panel, and its figure behind it. A figure that is no
/// number has no bar.
std::string plot_svg(const EvalReport& report);

}  // namespace caravan::eval
