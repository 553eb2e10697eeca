// How fast the threads of a team can read memory together: the limit of every decode step.
// Thread safety: as ThreadTeam, whose owner calls this.
#pragma once

#include <cstdint>

#include "device/thread_team.h"

namespace caravan {

/// How many bytes are read to measure the bandwidth of a step that reads `working_set`: all of them, but no
/// more than several times the last-level cache (above it the rate is the memory's and no longer depends on
/// the size), nor than a quarter of the machine's memory.
uint64_t bytes_to_read(uint64_t working_set);

/// The best rate, in bytes/s, at which `team` read `bytes_wanted` bytes again and again, over several access
/// patterns and several passes of each; they are rounded so that all threads read the same. What fits into
/// the caches is read from them. Takes about a tenth of a second. Throws Error if there is no memory to read.
double measured_read_bandwidth(ThreadTeam& team, uint64_t bytes_wanted);

}  // namespace caravan
