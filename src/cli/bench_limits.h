// What the machine can do, measured beside what the engine does, so that both see the same machine.
// Thread safety: one thread.
#pragma once

#include <functional>
#include <map>

#include "cli/bench_case.h"
#include "device/thread_team.h"

namespace caravan::cli {

/// The operations/s that a team reaches in matmuls of a dtype at an ISA level.
using PeakFlops = std::function<double(IsaLevel level, DType dtype, ThreadTeam& team)>;

class LimitMeter {
 public:
  /// Without `peak_flops` no peak is known. Throws Error if the system refuses the threads.
  LimitMeter(int threads, IsaLevel isa, PeakFlops peak_flops);

  /// Measures for a case whose decode step reads `working_set` bytes. Returns the best that this and every
  /// earlier measurement of the same saw: a machine that others share is only ever slower than it is.
  BenchLimits measure(DType dtype, uint64_t working_set);

 private:
  // Not pinned: pinning would leave the engines' teams the one CPU of this thread.
  ThreadTeam team_;
  IsaLevel isa_;
  PeakFlops peak_flops_;
  std::map<uint64_t, double> bytes_per_second_;  ///< by bytes read
  std::map<DType, double> flops_per_second_;
};

}  // namespace caravan::cli
