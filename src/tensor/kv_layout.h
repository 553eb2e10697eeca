// How the keys, or the values, of a layer's KV cache lie in its tensor, by dtype.
//
// A cache is a tensor [blocks, kv_heads, block_size, elements of a slot], so that a block is one piece of
// memory, which can be copied, shared and sent as it is. In fp32, fp16 and bf16 a slot's elements are the
// head_dim of its key. In int8 they are head_dim + 4, of which four are the bytes of an fp32 scale; but of
// each head of each block the scales of all slots come first, [block_size], and then their keys, [block_size,
// head_dim]: so keys are aligned, the scales of neighbours are read as one vector, and whoever reads a head
// from front to back has its scales when it needs them. An int8 element stands for itself times its slot's
// scale. Thread safety: pure functions.
#pragma once

#include "base/error.h"
#include "tensor/view.h"

namespace caravan {

/// Blocks of an int8 cache have a multiple of so many slots: what the widest vector holds of fp32 scales. It
/// also keeps every scale aligned.
constexpr int64_t kScaledSlots = 16;

/// The largest int8 that is stored: the range is symmetric.
constexpr float kLargestInt8 = 127.0F;

/// Elements of the cache that one slot of one head takes.
constexpr int64_t kv_slot_elements(int64_t head_dim, DType dtype) {
  return dtype == DType::kI8 ? head_dim + static_cast<int64_t>(sizeof(float)) : head_dim;
}

struct KvLayout {
  DType dtype = DType::kF32;
  int64_t blocks = 0;
  int64_t kv_heads = 0;
  int64_t block_size = 0;
  int64_t head_dim = 0;

  /// The shape of the tensor.
  [[nodiscard]] Shape shape() const {
    return {blocks, kv_heads, block_size, kv_slot_elements(head_dim, dtype)};
  }
  [[nodiscard]] bool has_scales() const { return dtype == DType::kI8; }
  /// Elements from one head to the next, and from one block to the next.
  [[nodiscard]] int64_t head_stride() const { return block_size * kv_slot_elements(head_dim, dtype); }
  [[nodiscard]] int64_t block_stride() const { return kv_heads * head_stride(); }
  /// Elements of a head before those of its first slot.
  [[nodiscard]] int64_t rows_offset() const { return block_size * kv_slot_elements(0, dtype); }
  /// Where the head_dim elements of a slot begin, in elements.
  [[nodiscard]] int64_t row_offset(int64_t block, int64_t head, int64_t slot) const {
    return block * block_stride() + head * head_stride() + rows_offset() + slot * head_dim;
  }
  /// Where its scale lies, in bytes; of int8 only.
  [[nodiscard]] int64_t scale_offset(int64_t block, int64_t head, int64_t slot) const {
    return block * block_stride() + head * head_stride() + slot * static_cast<int64_t>(sizeof(float));
  }
};

/// The layout of a tensor whose shape KvLayout::shape() gave.
inline KvLayout kv_layout_of(const ConstTensorView& cache) {
  CARAVAN_CHECK_EQ(cache.shape.rank(), 4U);
  const int64_t extra = kv_slot_elements(0, cache.dtype);
  return {cache.dtype, cache.shape[0], cache.shape[1], cache.shape[2], cache.shape[3] - extra};
}

}  // namespace caravan
