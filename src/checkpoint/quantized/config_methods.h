// The quantization_config of each quant_method. Thread safety: pure functions.
#pragma once

#include "checkpoint/quantized/config.h"

namespace caravan {

// Each throws Error, naming file and field.
CompressedTensorsConfig parse_compressed_tensors_config(const JsonObject& fields);
GptqConfig parse_gptq_config(const JsonObject& fields);
AwqConfig parse_awq_config(const JsonObject& fields);

/// More inputs than any matrix has.
constexpr int64_t kMaxQuantGroup = int64_t{1} << 20U;

}  // namespace caravan
