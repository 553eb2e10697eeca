#include "engine/tuning.h"

#include "base/log.h"
#include "base/machine.h"
#include "execute/tuning/tile_cache.h"

namespace caravan {

TileTable tiles_for(const TuningResources& resources, const EngineOptions& options) {
  if (options.execute_mode != ExecuteMode::kMaxAutotune || options.autotune == Autotune::kOff) return {};
  const TuningMachine machine = {cpu_name(), std::string(name_of(options.isa)), resources.team.size()};
  TileTable table = read_tile_cache(options.tile_cache, machine);
  if (options.autotune == Autotune::kCached) return table;
  const double start = seconds_now();
  const auto progress = [&options](size_t done, size_t all) {
    if (options.on_tuning) options.on_tuning(done, all);
  };
  const size_t measured = autotune(resources, table, progress);
  if (measured == 0) return table;
  write_tile_cache(options.tile_cache, machine, table);
  log(LogLevel::kInfo, "autotune: measured ", measured, " matmuls in ", seconds_now() - start, " s, kept in ",
      options.tile_cache.empty() ? "no file" : options.tile_cache.string());
  return table;
}

}  // namespace caravan
