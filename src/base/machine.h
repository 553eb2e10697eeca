// Facts about this machine and this process: what the CPU can do, how many cores, how much memory, what time
// it is. Thread safety: pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace caravan {

/// The instruction sets that Caravan has kernels for, each asked for from the CPU and the operating system.
struct CpuFeatures {
  bool avx2 = false;          ///< AVX2, FMA and F16C
  bool avx512 = false;        ///< AVX-512 F, BW, DQ and VL, with all of avx2
  bool avx512_bf16 = false;   ///< vdpbf16ps, with all of avx512
  bool avx512_vnni = false;   ///< vpdpbusd, with all of avx512
  bool avx512_vbmi2 = false;  ///< vpexpandb, with all of avx512
  /// AMX's tiles, tdpbf16ps and tdpbusd, with all of the above, and the system's leave to use them.
  bool amx = false;
};

/// Asks the system for leave to use AMX where the CPU has it, as Linux wants it: once granted it is this
/// process's, in all its threads, so that asking again changes nothing.
CpuFeatures cpu_features();

/// Why a CPU that has AMX may not use it, in a few words; empty where it may, and where it has none.
std::string amx_refusal();

/// The CPU's own name for itself, or "unknown CPU".
std::string cpu_name();

/// How many CPUs this process may run on (at least 1).
int usable_cpus();

/// Bytes of memory that the machine (or this process's control group) has in all, and that are free for use
/// now.
struct MachineMemory {
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;
};
MachineMemory machine_memory();

/// The most memory that this process has held so far, in bytes, mapped file pages included.
uint64_t peak_memory_bytes();

/// Starts the count of peak_memory_bytes() anew from what the process holds now. False where the system does
/// not allow it.
bool reset_peak_memory();

/// Bytes of the largest cache of a CPU, or 32 MiB where the system does not say.
uint64_t last_level_cache_bytes();

/// When the system gives memory in huge pages, in its own words: "always", "madvise" (where a program asks
/// for it) or "never"; empty where it does not say.
std::string huge_page_setting();

/// Lets this process open as many files as the system allows it; how many that is.
uint64_t raise_open_files_limit();

/// Seconds on a clock that never goes back, from an arbitrary start.
double seconds_now();

}  // namespace caravan
