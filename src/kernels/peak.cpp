#include "kernels/peak.h"

#include <algorithm>

#include "kernels/cpu/levels.h"

namespace caravan {

double measured_peak_flops(IsaLevel level, DType dtype, ThreadTeam& team) {
  const cpu::Peak peak = cpu::peak_of(name_of(level), dtype);
  if (peak.run == nullptr) return 0.0;
  // About 20 ms each: long enough for the clock to settle, short enough that one falls between interruptions.
  // The first, of as many operations as the slowest level does in that time, says how many that takes.
  constexpr double kSeconds = 0.02;
  constexpr int64_t kFirstOperations = 2'000'000'000;
  constexpr int kMeasurements = 9;
  int64_t steps = kFirstOperations / peak.operations_per_step;
  double best = 0.0;
  for (int i = 0; i < kMeasurements; ++i) {
    const double start = seconds_now();
    team.run([&](Lane) {
      alignas(64) float values[64] = {};
      peak.run(steps, values);
    });
    const double seconds = seconds_now() - start;
    best = std::max(best, static_cast<double>(steps * peak.operations_per_step * team.size()) / seconds);
    if (i == 0)
      steps = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(steps) * kSeconds / seconds));
  }
  return best;
}

}  // namespace caravan
