// What the machine can do, measured beside what the engine does, so that both see the same machine.
// Thread safety: one thread.
#pragma once

#include <map>

#include "cli/bench/case.h"
#include "device/thread_team.h"

namespace caravan::cli {

class LimitMeter {
 public:
  /// For engines of so many threads. Throws Error if the system refuses them.
  explicit LimitMeter(int threads) : team_(threads) {}

  /// Measures for a case of `dtype`, with matmuls of int8 or without, whose decode step reads `working_set`
  /// bytes: the bandwidth, and the peak of the highest ISA level that the machine has, whatever level the
  /// engine runs at (nothing where that is portable code, whose peak is not known). Returns the best that
  /// this and every earlier measurement of the same saw: a machine that others share is only ever slower than
  /// it is.
  BenchLimits measure(DType dtype, bool int8, uint64_t working_set);

 private:
  /// Of `dtype`; nothing where it is not known.
  std::optional<double> peak(DType dtype);

  // Not pinned: pinning would leave the engines' teams the one CPU of this thread.
  ThreadTeam team_;
  std::map<uint64_t, double> bytes_per_second_;  ///< by bytes read
  std::map<DType, double> operations_per_second_;
};

}  // namespace caravan::cli
