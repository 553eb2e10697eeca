// What the system says of this process, under the names that Prometheus clients give to it.
// Thread safety: pure functions.
#pragma once

#include <cstdint>

namespace caravan::serve {

struct ProcessFigures {
  double now_seconds = 0.0;    ///< since 1970
  double start_seconds = 0.0;  ///< since 1970: when the process started
  double cpu_seconds = 0.0;    ///< user and system, of all threads
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  int64_t open_descriptors = 0;
  int64_t threads = 0;
};

/// From /proc/self; what cannot be read stays 0.
ProcessFigures read_process_figures();

/// CPU time of the calling thread.
double thread_cpu_seconds();

}  // namespace caravan::serve
