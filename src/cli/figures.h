// The figures that a run ends with.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "engine/engine.h"

namespace caravan::cli {

/// "load 0.02 s | prefill 5 tokens in 1.2 ms (4166 tokens/s) | decode 0.31 ms per token (3225 tokens/s) |
/// peak memory 12 MB | steps: 1 bound, 149 replayed". Milliseconds per token are those of a decode step;
/// tokens/s count all sequences of the batch. The steps are as they really ran: "eager", bound for the step,
/// or replayed.
std::string figures_line(double load_seconds, const EngineStats& stats, const ExecutorStats& steps);

}  // namespace caravan::cli
