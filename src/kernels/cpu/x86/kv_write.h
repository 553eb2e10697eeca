// Writing keys and values to the cache, alone or with the rotation before it, by a level's kernels.
// Thread safety: pure functions of their arguments.
#pragma once

#include <cstring>
#include <vector>

#include "kernels/cpu/common/raw.h"
#include "ops/kernel_table.h"

namespace caravan::cpu {

/// The block and the slot of `position` of `sequence`.
struct Slot {
  int64_t block = 0;
  int64_t index = 0;
};
inline Slot slot_of(const TokenPlaces& places, const KvLayout& layout, int64_t sequence, int64_t position) {
  const int64_t columns = places.block_table.shape[1];
  const int32_t* blocks = places.block_table.as<int32_t>() + sequence * columns;
  return {blocks[position / layout.block_size], position % layout.block_size};
}

/// Stores the row `from` [head_dim] of `head`; `given` is the scale of an int8 cache, 0 for its own.
template <const LevelKernels& kLevel>
void store(const float* from, float given, const TensorView& cache, const KvLayout& layout, const Slot& slot,
           int64_t head) {
  const int64_t offset = layout.row_offset(slot.block, head, slot.index);
  const int64_t count = layout.head_dim;
  switch (cache.dtype) {
    case DType::kF32:
      for (int64_t i = 0; i < count; ++i) cache.as<float>()[offset + i] = from[i];
      return;
    case DType::kF16:
      return kLevel.store_f16(from, cache.as<Half>() + offset, count);
    case DType::kI8: {
      const float scale = kLevel.store_i8(from, cache.as<int8_t>() + offset, count, given);
      std::memcpy(cache.as<int8_t>() + layout.scale_offset(slot.block, head, slot.index), &scale,
                  sizeof scale);
      return;
    }
    default:
      return kLevel.store_bf16(from, cache.as<BFloat16>() + offset, count);
  }
}

template <const LevelKernels& kLevel>
void kv_write(const KvWriteArgs& args, Lane lane) {
  const KvLayout layout = kv_layout_of(args.k_cache);
  const Range part = share_of(args.k.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token) {
    const int64_t sequence = args.places.sequences.as<int32_t>()[token];
    if (sequence < 0) continue;
    const Slot slot = slot_of(args.places, layout, sequence, args.places.positions.as<int32_t>()[token]);
    for (int64_t head = 0; head < layout.kv_heads; ++head) {
      const int64_t from = (token * layout.kv_heads + head) * layout.head_dim;
      store<kLevel>(args.k.as<float>() + from, given_scale(args.scales.k, head), args.k_cache, layout, slot,
                    head);
      store<kLevel>(args.v.as<float>() + from, given_scale(args.scales.v, head), args.v_cache, layout, slot,
                    head);
    }
  }
}

/// Whole heads, so that the rotation of k meets its cache row in registers or the L1 cache.
template <const LevelKernels& kLevel>
void rope_kv_write(const RopeKvWriteArgs& args, Lane lane) {
  const KvLayout layout = kv_layout_of(args.k_cache);
  const int64_t head_dim = layout.head_dim;
  alignas(64) float small[kMaxHeadDim];
  std::vector<float> large(head_dim > kMaxHeadDim ? static_cast<size_t>(head_dim) : 0);
  float* const rotated = large.empty() ? small : large.data();
  const int64_t heads = args.q.columns / head_dim;
  const int64_t both = heads + layout.kv_heads;
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
    const Slot slot = slot_of(args.places, layout, sequence, position);
    kLevel.rope_f32(
        {.x = args.k.row(token) + kv_head * head_dim, .angles = angles, .y = rotated, .half = head_dim / 2});
    store<kLevel>(rotated, given_scale(args.scales.k, kv_head), args.k_cache, layout, slot, kv_head);
    store<kLevel>(args.v.row(token) + kv_head * head_dim, given_scale(args.scales.v, kv_head), args.v_cache,
                  layout, slot, kv_head);
  }
}

}  // namespace caravan::cpu
