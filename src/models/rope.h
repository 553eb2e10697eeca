// The rotary frequencies of a model, with every stretching of the context that LLaMA checkpoints use.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "models/config.h"

namespace caravan {

/// Radians per position of each pair of dimensions, fp32 [head_dim / 2], for a sequence of `length` tokens
/// (only dynamic scaling depends on it). Unscaled: theta^(-2i / head_dim) (Su et al., 2021,
/// arXiv:2104.09864). Scaled:
/// - linear: divided by factor (Chen et al., 2023, arXiv:2306.15595);
/// - dynamic: theta grows with length beyond original_max_position ("NTK-aware", as transformers has it);
/// - llama3: long wavelengths divided by factor, short ones kept, between them a blend (Llama 3.1's release);
/// - yarn: a ramp between divided and kept frequencies (Peng et al., 2023, arXiv:2309.00071);
/// - divisors: each frequency divided by its own number.
std::vector<float> rope_frequencies(const RopeConfig& config, int64_t head_dim, int64_t length);

/// Whether the frequencies change as a sequence grows.
bool depends_on_length(const RopeConfig& config);

}  // namespace caravan
