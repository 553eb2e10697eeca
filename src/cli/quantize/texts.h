// The text that a checkpoint is calibrated on, in the checkpoint's tokens.
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/quantize/flags.h"
#include "models/config.h"

namespace caravan::cli {

/// The fewest tokens that say anything about the range of activations.
constexpr int64_t kFewestCalibrationTokens = 256;

/// Each row of JSON Lines, with its end token, cut to what the model's context holds, or a plain text in
/// pieces of at most 512 tokens; of both no more than the flags say. Throws Error where there is no file, no
/// tokenizer, or too little text.
std::vector<std::vector<int32_t>> calibration_texts(const QuantizeFlags& flags, const ModelConfig& config);

}  // namespace caravan::cli
