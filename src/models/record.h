// Which file records which architecture. Thread safety: a pure function.
#pragma once

#include "graph/builder.h"
#include "models/config.h"

namespace caravan {

/// Records the model that `config` describes: token ids in, logits of the wanted rows out.
Graph record_model(const ModelConfig& config, Precision precision);

}  // namespace caravan
