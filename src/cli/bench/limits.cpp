#include "cli/bench/limits.h"

#include <algorithm>

#include "device/bandwidth.h"
#include "kernels/peak.h"

namespace caravan::cli {

BenchLimits LimitMeter::measure(DType dtype, uint64_t working_set) {
  const uint64_t read = bytes_to_read(working_set);
  double& bandwidth = bytes_per_second_[read];
  bandwidth = std::max(bandwidth, measured_read_bandwidth(team_, read));
  double& flops = flops_per_second_[dtype];
  flops = std::max(flops, measured_peak_flops(available_levels(cpu_features()).back(), dtype, team_));
  return {bandwidth, flops > 0.0 ? std::optional<double>(flops) : std::nullopt};
}

}  // namespace caravan::cli
