// P: how many operations a second this machine's threads can do together.
// Thread safety: one measurement at a time on a team.
#pragma once

#include "device/thread_team.h"
#include "kernels/select.h"

namespace caravan {

/// The best of several short measurements of `level`'s multiply-add on registers alone, by all threads of
/// `team`, in operations per second; 0 where the level has no kernels of its own. fp16 is multiplied as fp32,
/// int8 with uint8.
double measured_peak_flops(IsaLevel level, DType dtype, ThreadTeam& team);

}  // namespace caravan
