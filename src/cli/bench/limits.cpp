#include "cli/bench/limits.h"

#include <algorithm>

#include "device/bandwidth.h"
#include "kernels/peak.h"

namespace caravan::cli {

std::optional<double> LimitMeter::peak(DType dtype) {
  double& operations = operations_per_second_[dtype];
  operations =
      std::max(operations, measured_peak_flops(available_levels(cpu_features()).back(), dtype, team_));
  return operations > 0.0 ? std::optional<double>(operations) : std::nullopt;
}

BenchLimits LimitMeter::measure(DType dtype, bool int8, uint64_t working_set) {
  const uint64_t read = bytes_to_read(working_set);
  double& bandwidth = bytes_per_second_[read];
  bandwidth = std::max(bandwidth, measured_read_bandwidth(team_, read));
  return {bandwidth, peak(dtype), int8 ? peak(DType::kI8) : std::nullopt};
}

}  // namespace caravan::cli
