// One quantised matrix of each format, from its tensors. Thread safety: pure functions.
#pragma once

#include "checkpoint/matrix_parts.h"
#include "checkpoint/quantized/config.h"

namespace caravan {

// Each throws Error, naming file and tensor.

/// `values` is MODULE.weight or MODULE.weight_packed.
FoundWeight compressed_tensors_weight(const QuantScheme& scheme, const std::string& module,
                                      const StoredWeight& values, const StoredTensors& tensors);

/// `values` is MODULE.qweight.
FoundWeight gptq_weight(const GptqConfig& config, const std::string& module, const StoredWeight& values,
                        const StoredTensors& tensors);
FoundWeight awq_weight(const AwqConfig& config, const std::string& module, const StoredWeight& values,
                       const StoredTensors& tensors);

/// Throws Error unless `order`, int32 [in], puts input i into group i / `group` (0: one group).
void require_plain_order(const StoredWeight& order, int64_t in, int64_t group);

/// Whether `weight` is a matrix of blocks (checkpoint/gguf/blocks.h).
bool is_block_matrix(const StoredWeight& weight);
FoundWeight block_weight(const StoredWeight& weight);

}  // namespace caravan
