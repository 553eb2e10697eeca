// Whether a case of `caravan bench` fits into memory, worked out before anything is loaded.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "cli/bench/case.h"
#include "models/config.h"

namespace caravan::cli {

/// The largest batch with which the weights and the KV cache of `at` fit into `available_bytes`; 0 if none
/// does.
int64_t largest_batch_in(uint64_t available_bytes, const BenchCase& at, const ModelConfig& config);

/// Throws Error, with the arithmetic, if the weights and the KV cache of `at` do not fit into
/// `available_bytes` or into --max-memory-gb. `flag` is what asked for the case: "--batch-size 64".
void require_memory(uint64_t available_bytes, const BenchCase& at, const ModelConfig& config,
                    const std::string& flag);

}  // namespace caravan::cli
