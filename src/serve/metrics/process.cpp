#include "serve/metrics/process.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace caravan::serve {

namespace {

namespace fs = std::filesystem;

/// The fields of /proc/self/stat from the third on: the second, the program's name, may hold spaces.
std::vector<std::string> stat_fields() {
  std::ifstream in("/proc/self/stat");
  std::string line;
  std::getline(in, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(line.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

/// When the machine started, in seconds since 1970; 0 if it does not say.
double boot_seconds() {
  std::ifstream in("/proc/stat");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("btime ", 0) == 0) return std::stod(line.substr(6));
  }
  return 0.0;
}

int64_t open_descriptors() {
  std::error_code failed;
  const fs::directory_iterator entries("/proc/self/fd", failed);
  // One of them is the iterator's own.
  return failed ? 0 : std::max<int64_t>(0, std::distance(fs::begin(entries), fs::end(entries)) - 1);
}

}  // namespace

ProcessFigures read_process_figures() {
  ProcessFigures figures;
  figures.now_seconds =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  figures.open_descriptors = open_descriptors();
  // Numbered as in proc(5), from 3 on: utime 14, stime 15, num_threads 20, starttime 22, vsize 23, rss 24.
  const std::vector<std::string> fields = stat_fields();
  if (fields.size() < 22) return figures;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  figures.cpu_seconds = (std::stod(fields[11]) + std::stod(fields[12])) / ticks;
  figures.threads = std::stoll(fields[17]);
  figures.start_seconds = boot_seconds() + std::stod(fields[19]) / ticks;
  figures.virtual_bytes = std::stoull(fields[20]);
  figures.resident_bytes = std::stoull(fields[21]) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return figures;
}

double thread_cpu_seconds() {
  timespec used = {};
  // Fails only where the system has no such clock.
  static_cast<void>(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used));
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

}  // namespace caravan::serve
