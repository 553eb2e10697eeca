#include "device/bandwidth.h"

#include <algorithm>
#include <cstring>

#include "base/machine.h"
#include "tensor/buffer.h"

namespace caravan {

namespace {

constexpr size_t kLine = kBufferAlignment;
constexpr size_t kWordsPerLine = kLine / sizeof(uint64_t);

/// So many times the last-level cache are read that what a pass leaves in it does not count: a virtual
/// machine may see less of a shared cache than it gets.
constexpr uint64_t kTimesCache = 8;
/// Of the machine's memory, at most this part is used.
constexpr uint64_t kShareOfMemory = 4;
/// What one timed call reads at least, so that starting the team (microseconds) does not count.
constexpr size_t kBytesPerCall = size_t{64} << 20U;
/// Calls of each pattern; the best counts, because others on the machine only ever take away.
constexpr int kCalls = 5;

/// Ways to read a share of the buffer. A load of one word brings in its whole line.
struct Pattern {
  size_t streams;   ///< the share is read in so many places at once
  size_t prefetch;  ///< lines that are asked for ahead of each load; 0 leaves it to the hardware
};
constexpr Pattern kPatterns[] = {{1, 0}, {1, 16}, {4, 0}, {4, 8}};

/// Reads `lines` lines from `data` on, in `kStreams` streams.
template <size_t kStreams>
uint64_t read_lines(const uint64_t* data, size_t lines, size_t prefetch) {
  const size_t length = lines / kStreams;  // of a stream; what is left over is not read
  uint64_t sums[kStreams] = {};
  for (size_t line = 0; line < length; ++line) {
    for (size_t stream = 0; stream < kStreams; ++stream) {
      const uint64_t* at = data + (stream * length + line) * kWordsPerLine;
      if (prefetch != 0) __builtin_prefetch(at + prefetch * kWordsPerLine);
      sums[stream] += *at;
    }
  }
  uint64_t sum = 0;
  for (const uint64_t each : sums) sum += each;
  return sum;
}

/// Seconds that the team takes for `passes` passes over `lines` lines.
double time_call(ThreadTeam& team, const uint64_t* data, size_t lines, size_t passes,
                 const Pattern& pattern) {
  const double start = seconds_now();
  team.run([=](Lane lane) {
    const Range part = share_of(static_cast<int64_t>(lines), lane, 4);
    const uint64_t* share = data + static_cast<size_t>(part.begin) * kWordsPerLine;
    const auto count = static_cast<size_t>(part.end - part.begin);
    for (size_t pass = 0; pass < passes; ++pass) {
      const uint64_t sum = pattern.streams == 1 ? read_lines<1>(share, count, pattern.prefetch)
                                                : read_lines<4>(share, count, pattern.prefetch);
      // The sum counts as used and memory as changed, so that no pass is left out.
      asm volatile("" : : "r"(sum) : "memory");
    }
  });
  return seconds_now() - start;
}

}  // namespace

uint64_t bytes_to_read(uint64_t working_set) {
  return std::min(
      {working_set, kTimesCache * last_level_cache_bytes(), machine_memory().total_bytes / kShareOfMemory});
}

double measured_read_bandwidth(ThreadTeam& team, uint64_t bytes_wanted) {
  // Each lane reads the same, a multiple of every pattern's streams.
  const size_t grain = static_cast<size_t>(team.size()) * 4 * kLine;
  const size_t bytes = std::max<size_t>(1, bytes_wanted / grain) * grain;
  const Buffer buffer(bytes);
  team.run([&buffer, bytes](Lane lane) {
    const Range part = share_of(static_cast<int64_t>(bytes), lane, static_cast<int64_t>(kLine));
    // Pages must be there, and each on the node of the thread that reads it.
    std::memset(static_cast<char*>(buffer.data()) + part.begin, 1,
                static_cast<size_t>(part.end - part.begin));
  });
  const size_t passes = std::max<size_t>(1, kBytesPerCall / bytes);
  double best = 0.0;
  for (const Pattern& pattern : kPatterns) {
    for (int call = 0; call < kCalls; ++call) {
      const double seconds =
          time_call(team, static_cast<const uint64_t*>(buffer.data()), bytes / kLine, passes, pattern);
      best = std::max(best, static_cast<double>(bytes * passes) / seconds);
    }
  }
  return best;
}

}  // namespace caravan
