#include "base/machine.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

namespace caravan {

namespace {

/// The number after `key` in a file of "key number" lines such as cgroup's memory.stat; 0 if not there.
uint64_t number_field(const char* path, const std::string& key) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string word;
    uint64_t number = 0;
    if (words >> word >> number && word == key) return number;
  }
  return 0;
}

/// The number after `key` in a file of "key: number kB" lines such as /proc/meminfo, in bytes; 0 if not
/// there.
uint64_t kilobyte_field(const char* path, const std::string& key) { return number_field(path, key) * 1024; }

/// The number in a one-number file such as cgroup's memory.max, or `otherwise` ("max", or no such file).
uint64_t number_in(const char* path, uint64_t otherwise) {
  std::ifstream in(path);
  uint64_t value = 0;
  return in >> value ? value : otherwise;
}

#if defined(__x86_64__)
/// Asked from the CPU itself, because clang 14's __builtin_cpu_supports does not know the name. The system's
/// part (saving the vector registers) is the same as for AVX2.
bool has_f16c() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

/// What the CPU says, whatever the system allows. Compilers as old as clang 14 know no names for it.
bool cpu_has_amx() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  // Intel's manual, CPUID leaf 7: AMX-BF16, AMX-TILE and AMX-INT8.
  constexpr unsigned kAmx = 1U << 22U | 1U << 24U | 1U << 25U;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kAmx) == kAmx;
}

/// Asks for leave to use the tiles' registers, which the system saves for those only who asked
/// (https://docs.kernel.org/arch/x86/xstate.html). 0, or the error number.
int ask_for_tiles() {
  // From the kernel's asm/prctl.h, which older systems lack.
  constexpr int kAskForState = 0x1023;
  constexpr int kTileData = 18;
  return syscall(SYS_arch_prctl, kAskForState, kTileData) == 0 ? 0 : errno;
}
#endif

}  // namespace

CpuFeatures cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  features.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  features.avx512 = features.avx2 && __builtin_cpu_supports("avx512f") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
  features.avx512_bf16 = features.avx512 && __builtin_cpu_supports("avx512bf16");
  features.avx512_vnni = features.avx512 && __builtin_cpu_supports("avx512vnni");
  features.avx512_vbmi2 = features.avx512 && __builtin_cpu_supports("avx512vbmi2");
  features.amx = features.avx512_bf16 && features.avx512_vnni && features.avx512_vbmi2 && cpu_has_amx() &&
                 amx_refusal().empty();
#endif
  return features;
}

std::string amx_refusal() {
#if defined(__x86_64__)
  if (!cpu_has_amx()) return "";
  // The kernel grants it only where XCR0, which it sets, has the tiles' two bits: there is no need to read
  // it.
  const int error = ask_for_tiles();
  if (error != 0) return std::string("the system refuses the use of its tiles: ") + std::strerror(error);
#endif
  return "";
}

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  while (std::getline(in, line)) {
    if (line.compare(0, 10, "model name") != 0) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // The call fails where the kernel knows more CPUs than fit in a cpu_set_t.
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return std::max(1, CPU_COUNT(&set));
}

MachineMemory machine_memory() {
  MachineMemory memory;
  memory.total_bytes = kilobyte_field("/proc/meminfo", "MemTotal:");
  memory.available_bytes = kilobyte_field("/proc/meminfo", "MemAvailable:");
  const uint64_t limit = number_in("/sys/fs/cgroup/memory.max", memory.total_bytes);
  if (limit < memory.total_bytes) {
    // Cached files count as used, but give way to whoever needs the memory.
    constexpr const char* kStat = "/sys/fs/cgroup/memory.stat";
    const uint64_t cached = number_field(kStat, "inactive_file") + number_field(kStat, "active_file");
    const uint64_t current = number_in("/sys/fs/cgroup/memory.current", 0);
    const uint64_t used = current - std::min(current, cached);
    memory.total_bytes = limit;
    memory.available_bytes = std::min(memory.available_bytes, limit > used ? limit - used : 0);
  }
  return memory;
}

uint64_t peak_memory_bytes() {
  const uint64_t high_water = kilobyte_field("/proc/self/status", "VmHWM:");
  if (high_water != 0) return high_water;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

bool reset_peak_memory() {
  // 5 stands for the high-water mark (proc(5)).
  std::ofstream out("/proc/self/clear_refs");
  out << "5" << std::flush;
  return out.good();
}

uint64_t last_level_cache_bytes() {
  // Not sysconf(), which on some CPUs counts the caches of all cores together.
  uint64_t largest = 0;
  for (int index = 0; index < 10; ++index) {
    const std::string path = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size";
    largest = std::max(largest, 1024 * number_in(path.c_str(), 0));  // "32768K"
  }
  constexpr uint64_t kUsual = uint64_t{32} << 20U;
  return largest > 0 ? largest : kUsual;
}

std::string huge_page_setting() {
  std::ifstream in("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string word;
  while (in >> word) {
    if (word.front() == '[' && word.back() == ']') return word.substr(1, word.size() - 2);
  }
  return "";
}

uint64_t raise_open_files_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlimit raised = {limit.rlim_max, limit.rlim_max};
  // Where that is refused, the limit is what it was.
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace caravan
