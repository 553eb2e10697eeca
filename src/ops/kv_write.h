// KV write: stores the keys and values of a batch's tokens in their slots of the cache.
#pragma once

#include "device/lane.h"
#include "ops/paged_cache.h"

namespace caravan {

/// cache[slot of t, head, :] = k[t, head, :] rounded to the cache's dtype, and the same for v.
struct KvWriteArgs {
  ConstTensorView k;  ///< fp32 [tokens, kv_heads * head_dim], rotated already
  ConstTensorView v;  ///< fp32 [tokens, kv_heads * head_dim]
  TokenPlaces places;
  TensorView k_cache;  ///< fp32, fp16 or bf16 [blocks, kv_heads, block_size, head_dim]
  TensorView v_cache;  ///< as k_cache
};

void check(const KvWriteArgs& args);
/// The cache's dtype.
inline DType key_dtype(const KvWriteArgs& args) { return args.k_cache.dtype; }

}  // namespace caravan
