#include "cli/bench_limits.h"

#include <algorithm>

#include "device/bandwidth.h"

namespace caravan::cli {

LimitMeter::LimitMeter(int threads, IsaLevel isa, PeakFlops peak_flops)
    : team_(threads), isa_(isa), peak_flops_(std::move(peak_flops)) {}

BenchLimits LimitMeter::measure(DType dtype, uint64_t working_set) {
  const uint64_t read = bytes_to_read(working_set);
  double& bandwidth = bytes_per_second_[read];
  bandwidth = std::max(bandwidth, measured_read_bandwidth(team_, read));
  BenchLimits limits = {bandwidth, std::nullopt};
  if (peak_flops_) {
    double& flops = flops_per_second_[dtype];
    flops = std::max(flops, peak_flops_(isa_, dtype, team_));
    limits.flops_per_second = flops;
  }
  return limits;
}

}  // namespace caravan::cli
