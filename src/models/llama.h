// The LLaMA family's decoder, written once: what differs between its members is in ModelConfig.
// Thread safety: a pure function.
#pragma once

#include "graph/builder.h"
#include "models/config.h"

namespace caravan {

/// Records the whole model: token ids in, logits of the wanted rows out. Weight names are Hugging Face's.
Graph record_llama(const ModelConfig& config, Precision precision);

}  // namespace caravan
