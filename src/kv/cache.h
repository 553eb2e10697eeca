// The memory of a KV cache: for each layer, the keys and the values of every block.
//
// Contiguous and paged caches are the same thing: a contiguous one has one block per sequence, as long as the
// longest sequence; a paged one has many of kPagedBlockSize slots. Thread safety: the views may be read by
// all; each slot is written by one lane of one kernel.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/buffer.h"
#include "tensor/kv_layout.h"

namespace caravan {

/// Slots of a paged block: one tile of the attention kernels, and the field's custom.
constexpr int64_t kPagedBlockSize = 16;
static_assert(kPagedBlockSize % kScaledSlots == 0);

struct KvCacheShape {
  int64_t layers = 0;
  int64_t blocks = 0;
  int64_t kv_heads = 0;
  int64_t block_size = 0;
  int64_t head_dim = 0;

  /// Bytes of the whole cache.
  [[nodiscard]] uint64_t bytes(DType dtype) const;
  /// Of one sequence.
  [[nodiscard]] int64_t blocks_for(int64_t tokens) const { return (tokens + block_size - 1) / block_size; }
};

class KvCache {
 public:
  KvCache(const KvCacheShape& shape, DType dtype);

  /// K and V of each layer, as tensor/kv_layout.h lays them out: 2 * layer and 2 * layer + 1.
  [[nodiscard]] const std::vector<TensorView>& views() const { return views_; }
  /// Copies all slots of one block, in every layer, over another's.
  void copy_block(int32_t from, int32_t to);

 private:
  std::vector<Tensor> tensors_;
  std::vector<TensorView> views_;
};

}  // namespace caravan
