// The figures that a run ends with.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "engine/engine.h"

namespace caravan::cli {

/// "load 0.02 s | prefill 5 tokens in 1.2 ms (4166 tokens/s) | decode 0.31 ms per token (3225 tokens/s) |
/// peak memory 12 MB". Milliseconds per token are those of a decode step; tokens/s count all sequences of the
/// batch.
std::string figures_line(double load_seconds, const EngineStats& stats);

}  // namespace caravan::cli
