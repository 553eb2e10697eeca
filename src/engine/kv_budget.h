// How large a paged KV cache a server can have.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "engine/options.h"
#include "models/config.h"

namespace caravan {

struct KvBudget {
  int64_t blocks = 0;
  std::string arithmetic;  ///< a sentence for people
};

/// Blocks in `kv_dtype` for `options.max_sequences` sequences of `options.max_sequence_length` tokens, or as
/// many as fit into the memory limit, or, without one, into four fifths of the memory that is left beside the
/// weights. Throws Error if not even one sequence fits.
KvBudget kv_budget(const ModelConfig& config, const EngineOptions& options, uint64_t weight_bytes,
                   DType kv_dtype, uint64_t available_bytes);

}  // namespace caravan
