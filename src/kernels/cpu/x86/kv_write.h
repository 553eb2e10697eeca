// Writing keys and values to the cache, alone or with the rotation before it, by a level's kernels.
// Thread safety: pure functions of their arguments.
#pragma once

#include <vector>

#include "kernels/cpu/common/raw.h"
#include "ops/kernel_table.h"

namespace caravan::cpu {

/// The element offset of a cache's block and slot for `position` of `sequence`, at head 0.
inline int64_t slot_offset(const TokenPlaces& places, const Shape& cache, int64_t sequence,
                           int64_t position) {
  const int64_t columns = places.block_table.shape[1];
  const int64_t block = places.block_table.as<int32_t>()[sequence * columns + position / cache[2]];
  return (block * cache[1] * cache[2] + position % cache[2]) * cache[3];
}

template <const LevelKernels& kLevel>
void store(const float* from, const TensorView& cache, int64_t offset, int64_t count) {
  switch (cache.dtype) {
    case DType::kF32:
      for (int64_t i = 0; i < count; ++i) cache.as<float>()[offset + i] = from[i];
      return;
    case DType::kF16:
      return kLevel.store_f16(from, cache.as<Half>() + offset, count);
    default:
      return kLevel.store_bf16(from, cache.as<BFloat16>() + offset, count);
  }
}

template <const LevelKernels& kLevel>
void kv_write(const KvWriteArgs& args, Lane lane) {
  const Shape& cache = args.k_cache.shape;
  const int64_t kv_heads = cache[1];
  const int64_t head_dim = cache[3];
  const Range part = share_of(args.k.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token) {
    const int64_t sequence = args.places.sequences.as<int32_t>()[token];
    if (sequence < 0) continue;
    const int64_t slot =
        slot_offset(args.places, cache, sequence, args.places.positions.as<int32_t>()[token]);
    for (int64_t head = 0; head < kv_heads; ++head) {
      const int64_t offset = slot + head * cache[2] * head_dim;
      const int64_t from = (token * kv_heads + head) * head_dim;
      store<kLevel>(args.k.as<float>() + from, args.k_cache, offset, head_dim);
      store<kLevel>(args.v.as<float>() + from, args.v_cache, offset, head_dim);
    }
  }
}

/// Whole heads, so that the rotation of k meets its cache row in registers or the L1 cache.
template <const LevelKernels& kLevel>
void rope_kv_write(const RopeKvWriteArgs& args, Lane lane) {
  const Shape& cache = args.k_cache.shape;
  const int64_t head_dim = cache[3];
  alignas(64) float small[kMaxHeadDim];
  std::vector<float> large(head_dim > kMaxHeadDim ? static_cast<size_t>(head_dim) : 0);
  float* const rotated = large.empty() ? small : large.data();
  const int64_t heads = args.q.columns / head_dim;
  const int64_t both = heads + cache[1];
  const Range part = share_of(args.q.rows * both, lane);
  for (int64_t item = part.begin; item < part.end; ++item) {
    const int64_t token = item / both;
    const int64_t head = item % both;
    const float* angles = args.angles.as<float>() + token * head_dim;
    if (head < heads) {
      float* y = args.y.as<float>() + token * args.q.columns + head * head_dim;
      kLevel.rope_f32(
          {.x = args.q.row(token) + head * head_dim, .angles = angles, .y = y, .half = head_dim / 2});
      continue;
    }
    const int64_t sequence = args.places.sequences.as<int32_t>()[token];
    if (sequence < 0) continue;
    const int64_t position = args.places.positions.as<int32_t>()[token];
    const int64_t kv_head = head - heads;
    const int64_t offset =
        slot_offset(args.places, cache, sequence, position) + kv_head * cache[2] * head_dim;
    kLevel.rope_f32(
        {.x = args.k.row(token) + kv_head * head_dim, .angles = angles, .y = rotated, .half = head_dim / 2});
    store<kLevel>(rotated, args.k_cache, offset, head_dim);
    store<kLevel>(args.v.row(token) + kv_head * head_dim, args.v_cache, offset, head_dim);
  }
}

}  // namespace caravan::cpu
