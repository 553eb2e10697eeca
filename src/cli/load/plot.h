// The plot of `caravan bench serve`: distributions of the latencies, and tokens per second over time.
// Thread safety: a pure function.
#pragma once

#include <string>
#include <vector>

#include "cli/load/record.h"

namespace caravan::load {

/// An SVG of four charts: what share of the requests that are done has a time to first token, a time per
/// output token (beside the gaps between chunks), and a time from end to end of at most so much; and tokens
/// per second over time, of all requests. `title` may hold any bytes.
std::string plot_svg(const std::vector<RequestRecord>& records, const std::string& title);

}  // namespace caravan::load
