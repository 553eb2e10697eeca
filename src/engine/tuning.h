// The tiles that an engine's matmuls are cut by: from the cache on disk, measured, or the kernels' own.
// Thread safety: one thread.
#pragma once

#include "engine/options.h"
#include "execute/tuning/autotune.h"

namespace caravan {

/// As `options` asks: nothing in the modes that do not tune. What was measured is added to the cache.
TileTable tiles_for(const TuningResources& resources, const EngineOptions& options);

}  // namespace caravan
