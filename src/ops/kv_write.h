// KV write: stores the keys and values of a batch's tokens in their slots of the cache.
#pragma once

#include "device/lane.h"
#include "ops/paged_cache.h"

namespace caravan {

/// cache[slot of t, head, :] = k[t, head, :] rounded to the cache's dtype, and the same for v.
///
/// To int8 a row x = k[t, head, :] is rounded as follows, in fp32 throughout, so that all levels store the
/// same bits. Its scale is the given one of its head, or max |x| / 127; an element becomes x / scale, clamped
/// to -127 .. 127 and rounded to nearest, ties to even. Where the scale is 0 all elements become 0; where an
/// element of x is not finite they do too, and the scale that is stored becomes NaN.
struct KvWriteArgs {
  ConstTensorView k;  ///< fp32 [tokens, kv_heads * head_dim], rotated already
  ConstTensorView v;  ///< fp32 [tokens, kv_heads * head_dim]
  TokenPlaces places;
  TensorView k_cache;       ///< fp32, fp16, bf16 or int8 [blocks, kv_heads, block_size, head_dim (+ 4)]
  TensorView v_cache;       ///< as k_cache
  CacheScales scales = {};  ///< for int8 caches only
};

void check(const KvWriteArgs& args);
/// The cache's dtype.
inline DType key_dtype(const KvWriteArgs& args) { return args.k_cache.dtype; }

}  // namespace caravan
