// From times to figures: medians, rates, and how near they come to the physical limit.
//
// The limits are those of docs/performance.md: a prefill takes at least its arithmetic at the machine's peak;
// a decode step at least the reading of its weights and live keys and values, and op by op its arithmetic
// where that is longer. Thread safety: pure functions.
#pragma once

#include "cli/bench/case.h"
#include "graph/graph.h"

namespace caravan::cli {

/// The figures of `at`, whose model records as `graph`, from what its runs took.
BenchFigures figures_of(const BenchCase& at, const BenchRuns& runs, const Graph& graph,
                        const BenchLimits& limits);

/// Bytes that a decode step of `at` reads in the middle of its output: what its bandwidth is measured over.
uint64_t decode_bytes(const BenchCase& at, const Graph& graph);

}  // namespace caravan::cli
