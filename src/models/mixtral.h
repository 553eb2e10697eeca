// Decoders whose MLP is a mixture of experts: Mixtral and Qwen2-MoE.
// Thread safety: a pure function.
#pragma once

#include "graph/builder.h"
#include "models/config.h"

namespace caravan {

/// Records the whole model of `config`, which has a mixture: token ids in, logits of the wanted rows out.
/// Weight names are Hugging Face's.
Graph record_mixtral(const ModelConfig& config, Precision precision);

}  // namespace caravan
