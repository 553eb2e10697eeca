// The plot of `caravan bench`: decode latency and throughput over batch size, each beside its limit.
// Thread safety: a pure function.
#pragma once

#include <string>
#include <vector>

#include "cli/bench/case.h"

namespace caravan::cli {

/// An SVG of two panels with one line for each dtype, mode, input and output length of `rows`, in the order
/// in which they come first; a dashed line is the limit. `title` may hold any bytes.
std::string plot_svg(const std::vector<BenchFigures>& rows, const std::string& title);

}  // namespace caravan::cli
