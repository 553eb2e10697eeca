// How much memory an engine needs, known from a config before anything is loaded.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "engine/options.h"
#include "graph/builder.h"
#include "kv/cache.h"
#include "models/config.h"

namespace caravan {

/// The cache that holds `options.max_sequences` sequences of their greatest length.
KvCacheShape kv_cache_shape(const ModelConfig& config, const EngineOptions& options);

/// Throws Error if weights of `weight_bytes` and a KV cache of `kv_bytes` exceed the options' memory limit.
void require_memory_limit(const EngineOptions& options, uint64_t weight_bytes, uint64_t kv_bytes);

/// Throws Error, with the arithmetic, if `weight_bytes` more for weights and the KV cache that `options` ask
/// for do not fit into the memory that is free. `model` is what the error names.
void require_free_memory(const std::string& model, const ModelConfig& config, const EngineOptions& options,
                         uint64_t weight_bytes, const Precision& precision);

}  // namespace caravan
