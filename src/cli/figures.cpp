#include "cli/figures.h"

#include <iomanip>
#include <sstream>

#include "base/machine.h"

namespace caravan::cli {

namespace {

double rate(int64_t count, double seconds) {
  return seconds > 0.0 ? static_cast<double>(count) / seconds : 0.0;
}

}  // namespace

std::string figures_line(double load_seconds, const EngineStats& stats, const ExecutorStats& steps) {
  constexpr double kMilli = 1e3;
  constexpr double kMega = 1e6;
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << "load " << load_seconds << " s | prefill "
      << stats.prefill_tokens << " tokens in " << stats.prefill_seconds * kMilli << " ms ("
      << std::setprecision(0) << rate(stats.prefill_tokens, stats.prefill_seconds) << " tokens/s) | decode ";
  if (stats.decode_steps == 0) {
    out << "none";
  } else {
    out << std::setprecision(2) << kMilli * stats.decode_seconds / static_cast<double>(stats.decode_steps)
        << " ms per token (" << std::setprecision(0) << rate(stats.decode_tokens, stats.decode_seconds)
        << " tokens/s)";
  }
  out << " | peak memory " << std::setprecision(0) << static_cast<double>(peak_memory_bytes()) / kMega
      << " MB | steps: ";
  if (steps.eager_steps > 0) {
    out << steps.eager_steps << " eager";
  } else {
    out << steps.compiled_steps << " bound, " << steps.replayed_steps << " replayed";
  }
  return out.str();
}

}  // namespace caravan::cli
