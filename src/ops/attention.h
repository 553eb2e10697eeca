// Causal attention over a block-table cache (flash attention: Dao et al., 2022, arXiv:2205.14135; paged: Kwon
// et al., 2023, arXiv:2309.06180; grouped-query: Ainslie et al., 2023, arXiv:2305.13245).
#pragma once

#include "device/lane.h"
#include "ops/paged_cache.h"

namespace caravan {

/// For token t at position p of sequence s, and query head h, which reads KV head h / (heads / kv_heads):
/// y[t, h, :] = sum over j of softmax_j(scale * q[t, h, :] . k_j) * v_j, over the positions j of s with
/// max(0, p - window + 1) <= j <= p (window 0: from 0). Keys and values up to p have been written before; an
/// int8 cache's are its elements times their slot's scale, and nothing else is rounded to int8.
/// Scores and softmax are fp32 (double in the reference); the result is rounded once to y's dtype. A padding
/// token's row is zero. The value of a row depends on its query, the cache and p only: not on the other
/// tokens of the batch, on how the cache is cut into blocks of a multiple of 16 slots, nor on the number of
/// lanes.
struct AttentionArgs {
  ConstTensorView q;  ///< fp32 [tokens, heads * head_dim], rotated already
  TokenPlaces places;
  ConstTensorView k_cache;  ///< fp32, fp16, bf16 or int8 [blocks, kv_heads, block_size, head_dim (+ 4)]
  ConstTensorView v_cache;  ///< as k_cache
  float scale = 1.0F;       ///< 1 / sqrt(head_dim) for the LLaMA family
  int64_t window = 0;       ///< positions attended to, the token's own included; 0 for all
  TensorView y;             ///< fp32 or bf16 [tokens, heads * head_dim]
  /// fp32 [n], 64-byte aligned, n as attention_scratch_elements says or any other; or none. With it lanes
  /// share a long context of few tokens; where it is too small, or is none, one lane does a row's whole
  /// context. The bits of y are the same. Its first attention_counters elements are zero bytes before the
  /// call, and again after it: whoever allocates it clears it once. No other call may use it meanwhile.
  TensorView scratch = {};
};

/// Positions of a context that one lane does on its own: a row's softmax is computed over each 512, cut at
/// multiples of the absolute position, and the results are merged in order. Long enough that a result takes
/// 1/512 of the bytes that are read for it.
constexpr int64_t kAttentionChunkPositions = 512;

/// Elements of scratch that counters take, at its start: one for each KV head of each run of tokens.
constexpr int64_t attention_counters(int64_t tokens, int64_t kv_heads) {
  return (tokens * kv_heads + 15) / 16 * 16;
}

/// Elements of scratch of one chunk's result: the sums of one head, the largest score, the sum of weights.
constexpr int64_t attention_result_elements(int64_t head_dim) { return (head_dim + 15) / 16 * 16 + 16; }

/// Elements of scratch that let `lanes` lanes share the contexts of any call of at most `tokens` tokens that
/// attend to at most `context` positions each; 0 where sharing cannot help. Calls with more rows than keep
/// all lanes busy unshared are not provided for. For batches of which few tokens are decoded, `tokens` may be
/// their number rather than the batch's: a call that does not fit is computed unshared.
constexpr int64_t attention_scratch_elements(int64_t tokens, int64_t heads, int64_t kv_heads,
                                             int64_t head_dim, int64_t context, int lanes) {
  if (lanes == 1 || context <= kAttentionChunkPositions) return 0;
  // From two items of work a lane on, each of up to 96 rows, contexts are shared only where their lengths
  // differ much.
  const int64_t busy = 2 * 96 * static_cast<int64_t>(lanes);
  const int64_t rows = tokens * heads < busy ? tokens * heads : busy;
  // A context of 512 that is no multiple of it into a chunk lies in two.
  const int64_t chunks = (context + 2 * kAttentionChunkPositions - 2) / kAttentionChunkPositions;
  return attention_counters(tokens, kv_heads) + rows * chunks * attention_result_elements(head_dim);
}

void check(const AttentionArgs& args);
/// The cache's dtype.
inline DType key_dtype(const AttentionArgs& args) { return args.k_cache.dtype; }

}  // namespace caravan
