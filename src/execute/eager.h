// The eager mode: every node as it was recorded, one by one, each into a fresh buffer. The baseline that the
// other modes are compared with, and the one to debug in. Thread safety: one step at a time on a team.
#pragma once

#include "device/thread_team.h"
#include "execute/step.h"
#include "ops/kernel_table.h"
#include "tensor/buffer.h"

namespace caravan {

/// Runs `graph` once and returns its output: the logits, fp32 [logit_rows, vocab]. The caches of `step` are
/// written. An intermediate's buffer is freed after the last node that reads it.
Tensor run_eager(const Graph& graph, const StepTensors& step, const KernelTable& kernels, ThreadTeam& team);

}  // namespace caravan
