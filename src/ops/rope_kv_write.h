// Rotary position embedding of queries and keys, and the KV write, in one: what ops/rope.h and ops/kv_write.h
// do one after the other, bit for bit.
#pragma once

#include "device/lane.h"
#include "ops/paged_cache.h"

namespace caravan {

/// y = rope(q); cache[slot of t] = rope(k) and v, rounded to the cache's dtype as
/// ops/kv_write.h says. A padding token (sequence -1) is not stored.
struct RopeKvWriteArgs {
  ConstColumnsView q;      ///< [tokens, heads * head_dim]
  ConstColumnsView k;      ///< [tokens, kv_heads * head_dim]
  ConstColumnsView v;      ///< as k
  ConstTensorView angles;  ///< fp32 [tokens, head_dim], from RopeAnglesArgs
  TokenPlaces places;
  TensorView k_cache;       ///< fp32, fp16, bf16 or int8 [blocks, kv_heads, block_size, head_dim (+ 4)]
  TensorView v_cache;       ///< as k_cache
  TensorView y;             ///< fp32 [tokens, heads * head_dim]
  CacheScales scales = {};  ///< for int8 caches only
};

void check(const RopeKvWriteArgs& args);
/// The cache's dtype.
inline DType key_dtype(const RopeKvWriteArgs& args) { return args.k_cache.dtype; }

}  // namespace caravan
