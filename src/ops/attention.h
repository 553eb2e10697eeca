// Causal attention over a block-table cache (flash attention: Dao et al., 2022, arXiv:2205.14135; paged: Kwon
// et al., 2023, arXiv:2309.06180; grouped-query: Ainslie et al., 2023, arXiv:2305.13245).
#pragma once

#include "device/lane.h"
#include "ops/paged_cache.h"

namespace caravan {

/// For token t at position p of sequence s, and query head h, which reads KV head h / (heads / kv_heads):
/// y[t, h, :] = sum over j of softmax_j(scale * q[t, h, :] . k_j) * v_j, over the positions j of s with
/// max(0, p - window + 1) <= j <= p (window 0: from 0). Keys and values up to p have been written before.
/// Scores and softmax are fp32 (double in the reference); the result is rounded once to y's dtype. A padding
/// token's row is zero. The value of a row depends on its query, the cache and p only: not on the other
/// tokens of the batch, on how the cache is cut into blocks of a multiple of 16 slots, nor on the number of
/// lanes.
struct AttentionArgs {
  ConstTensorView q;  ///< fp32 [tokens, heads * head_dim], rotated already
  TokenPlaces places;
  ConstTensorView k_cache;  ///< fp32, fp16 or bf16 [blocks, kv_heads, block_size, head_dim]
  ConstTensorView v_cache;  ///< as k_cache
  float scale = 1.0F;       ///< 1 / sqrt(head_dim) for the LLaMA family
  int64_t window = 0;       ///< positions attended to, the token's own included; 0 for all
  TensorView y;             ///< fp32 or bf16 [tokens, heads * head_dim]
};

void check(const AttentionArgs& args);
/// The cache's dtype.
inline DType key_dtype(const AttentionArgs& args) { return args.k_cache.dtype; }

}  // namespace caravan
