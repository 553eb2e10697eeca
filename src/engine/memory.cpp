#include "engine/memory.h"

#include "base/error.h"
#include "base/machine.h"

namespace caravan {

KvCacheShape kv_cache_shape(const ModelConfig& config, const EngineOptions& options) {
  KvCacheShape shape = {config.num_layers, options.max_sequences, config.num_kv_heads, 0, config.head_dim};
  const int64_t pages = (options.max_sequence_length + kPagedBlockSize - 1) / kPagedBlockSize;
  if (options.kv_cache == KvCacheKind::kPaged) {
    shape.blocks = options.kv_blocks.value_or(shape.blocks * pages);
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

void require_free_memory(const std::string& model, const ModelConfig& config, const EngineOptions& options,
                         uint64_t weight_bytes, const Precision& precision) {
  const uint64_t cache_bytes = kv_cache_shape(config, options).bytes(precision.kv_cache);
  const uint64_t available = machine_memory().available_bytes;
  if (weight_bytes <= available && cache_bytes <= available - weight_bytes) return;
  const auto gigabytes = [](uint64_t bytes) { return static_cast<double>(bytes) / 1e9; };
  fail(model, ": the weights take ", gigabytes(weight_bytes), " GB in ", name_of(precision.weights),
       " and a KV cache of ", options.max_sequences, options.max_sequences == 1 ? " sequence" : " sequences",
       " of ", options.max_sequence_length, " tokens ", gigabytes(cache_bytes), " GB in ",
       name_of(precision.kv_cache), ", but ", gigabytes(available),
       " GB of memory are free, expected a smaller model, --dtype, --kv-cache-dtype or --batch-size");
}

}  // namespace caravan
