// What `caravan bench` says: a table as it goes, and JSON and CSV at the end.
// Thread safety: one thread.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/bench/case.h"
#include "cli/bench/plan.h"

namespace caravan::cli {

/// The lines above the figures: the model, the machine, and what the columns are called.
std::string table_head(const BenchPlan& plan);
/// One line of the table, without its end. What was not measured shows as "-".
std::string table_row(const BenchFigures& figures);
/// The lines below: what the machine's limits were, and what the columns mean.
std::string table_foot(const std::vector<BenchFigures>& rows);

/// What came of a search for the largest batch.
struct BenchSearch {
  BenchCase at;  ///< its batch is meaningless
  double max_decode_ms = 0.0;
  int64_t batch = 0;               ///< the largest one under it; 0 if none is
  double decode_ms = 0.0;          ///< its median step
  std::optional<int64_t> bounded;  ///< the largest batch that could be tried, if it was under it too
};

/// "largest batch with a median decode step under 50 ms (bf16, eager, 512 tokens in): 12, at 47.1 ms".
std::string search_line(const BenchSearch& search);

/// Everything, in the units that the fields' names end with.
Json report_json(const BenchPlan& plan, const std::vector<BenchFigures>& rows,
                 const std::vector<BenchSearch>& searches);
/// A line of names, and one line for each row; a field without a value is empty.
std::string report_csv(const std::vector<BenchFigures>& rows);

}  // namespace caravan::cli
