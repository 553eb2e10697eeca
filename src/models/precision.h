// What a model's graph is recorded in: the dtypes and schemes that the checkpoint has, or that a user wants
// instead. Thread safety: a function of its arguments.
#pragma once

#include "checkpoint/weight_store.h"
#include "models/config.h"
#include "models/load_options.h"

namespace caravan {

/// Makes the store know the matrices that are stored quantised, and says what the model of `config` is
/// recorded in. Throws Error, naming file and tensor, on a quantised matrix that is not stored as the config
/// says, a scheme that no kernel computes, and --quantize for what is quantised already.
Precision precision_of(const ModelConfig& config, WeightStore& store, const LoadOptions& options);

}  // namespace caravan
