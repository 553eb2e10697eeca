// What `caravan bench serve` says: a table, JSON, and CSV by request.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/load/figures.h"
#include "cli/load/plan.h"
#include "cli/load/runner.h"

namespace caravan::load {

/// The lines above the figures: the server, and what is asked of it. The plan is complete.
std::string table_head(const LoadPlan& plan);
/// The figures.
std::string table_text(const LoadPlan& plan, const LoadFigures& figures, bool stopped);

/// Plan and figures, in the units that the fields' names end with.
Json report_json(const LoadPlan& plan, const LoadFigures& figures, const LoadRun& run);
/// A line for each request that was sent.
std::string report_csv(const LoadRun& run);

/// "caravan bench serve: 12 of 100 done, 1 failed, 16 in flight, 812 tokens/s", with a token for each chunk.
std::string progress_text(const LoadProgress& progress);

}  // namespace caravan::load
