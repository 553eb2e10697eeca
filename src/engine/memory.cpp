#include "engine/memory.h"

#include "base/error.h"

namespace caravan {

KvCacheShape kv_cache_shape(const ModelConfig& config, const EngineOptions& options) {
  KvCacheShape shape = {config.num_layers, options.max_sequences, config.num_kv_heads, 0, config.head_dim};
  const int64_t pages = (options.max_sequence_length + kPagedBlockSize - 1) / kPagedBlockSize;
  if (options.kv_cache == KvCacheKind::kPaged) {
    shape.blocks *= pages;
    shape.block_size = kPagedBlockSize;
  } else {
    shape.block_size = pages * kPagedBlockSize;
  }
  return shape;
}

void require_memory_limit(const EngineOptions& options, uint64_t weight_bytes, uint64_t kv_bytes) {
  if (!options.max_memory_gb.has_value()) return;
  constexpr double kGigabyte = 1e9;
  const double weights = static_cast<double>(weight_bytes) / kGigabyte;
  const double cache = static_cast<double>(kv_bytes) / kGigabyte;
  if (weights + cache <= *options.max_memory_gb) return;
  fail("--max-memory-gb ", *options.max_memory_gb, ": the weights need ", weights, " GB and a KV cache of ",
       options.max_sequences, " sequences of ", options.max_sequence_length, " tokens needs ", cache,
       " GB; expected at least ", weights + cache);
}

}  // namespace caravan
