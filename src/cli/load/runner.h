// Sends the requests of a plan when they are due, and gathers what came of them.
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/machine.h"
#include "cli/load/plan.h"
#include "cli/load/record.h"

namespace caravan::load {

struct LoadProgress {
  bool warming_up = false;
  int64_t done = 0;
  int64_t failed = 0;
  int64_t in_flight = 0;
  std::optional<int64_t> all;      ///< how many there will be, where that is known
  double chunks_per_second = 0.0;  ///< with output, lately
};

struct LoadHooks {
  std::function<double()> clock = seconds_now;
  std::function<void(const LoadProgress&)> progress = [](const LoadProgress&) {};  ///< a few times a second
};

struct LoadRun {
  std::vector<RequestRecord> records;  ///< by index, one for each request that was sent
  bool stopped = false;                ///< by SIGINT or SIGTERM, before it was at its end
};

/// Runs `plan`, whose model and vocabulary must be known. Until the end SIGINT and SIGTERM stop it, which
/// ends what is in flight; a second one ends the process. Throws Error where the server's name cannot be
/// found, and where a request fails while warming up. Without a rate, the place of a request that failed
/// stays empty for a tenth of a second, so that a server that is gone is not asked as often as the machine
/// can.
LoadRun run_load(const LoadPlan& plan, const LoadHooks& hooks);

}  // namespace caravan::load
