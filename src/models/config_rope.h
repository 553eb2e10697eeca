// The rotary part of a config.json. Internal to config.cpp.
// Thread safety: a pure function.
#pragma once

#include "base/json.h"
#include "models/config.h"

namespace caravan {

/// Reads rope_theta and rope_scaling (or rope_parameters) from the config's root into `config.rope`, and
/// stretches `config.max_position`, which holds max_position_embeddings before. Needs `config.head_dim`.
/// Throws Error, naming file and field.
///
/// As transformers' modeling_rope_utils has it: rope_scaling wins over rope_parameters; "rope_type" over its
/// older name "type"; a missing original_max_position_embeddings means max_position_embeddings; yarn's factor
/// may follow from the two lengths. Further, for what transformers leaves open: the context length of linear
/// and dynamic is max_position_embeddings x factor, and of yarn the larger of max_position_embeddings and
/// original_max_position_embeddings x factor.
void read_rope(const JsonObject& root, ModelConfig& config);

}  // namespace caravan
