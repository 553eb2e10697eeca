// Tiles that were measured before, in a file: those of this machine are used, those of others kept.
// Thread safety: two processes may read and write one file; the last to write wins.
#pragma once

#include <filesystem>
#include <string>

#include "execute/tuning/tile_table.h"

namespace caravan {

/// What tiles are measured for, beside the matmul itself.
struct TuningMachine {
  std::string cpu;  ///< base/machine.h's cpu_name()
  std::string isa;  ///< of the kernels
  int threads = 1;
  bool operator==(const TuningMachine& other) const = default;
};

/// `tiles.json` in the folder that users' caches belong in: $XDG_CACHE_HOME/caravan, or ~/.cache/caravan.
/// Empty where neither is known.
std::filesystem::path default_tile_cache();

/// The entries of `machine` in the file at `path`. A file that is missing has none; one that cannot be read,
/// is damaged, or holds what could not be right is ignored with a warning.
TileTable read_tile_cache(const std::filesystem::path& path, const TuningMachine& machine);

/// Writes `table` as the entries of `machine`, keeping those of others. Where that is not possible it warns
/// and leaves the file as it is.
void write_tile_cache(const std::filesystem::path& path, const TuningMachine& machine,
                      const TileTable& table);

}  // namespace caravan
