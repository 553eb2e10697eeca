#include "kv/cache.h"

#include <cstring>

namespace caravan {

uint64_t KvCacheShape::bytes(DType dtype) const {
  return 2 * static_cast<uint64_t>(layers * blocks * kv_heads) *
         static_cast<uint64_t>(block_size * kv_slot_elements(head_dim, dtype)) * size_of(dtype);
}

KvCache::KvCache(const KvCacheShape& shape, DType dtype) {
  const Shape layer = KvLayout{dtype, shape.blocks, shape.kv_heads, shape.block_size, shape.head_dim}.shape();
  for (int64_t i = 0; i < 2 * shape.layers; ++i) {
    tensors_.emplace_back(dtype, layer);
    views_.push_back(tensors_.back().view());
  }
}

void KvCache::copy_block(int32_t from, int32_t to) {
  for (const Tensor& tensor : tensors_) {
    const size_t bytes = tensor.view().bytes() / static_cast<size_t>(tensor.shape()[0]);
    std::byte* data = tensor.as_bytes();
    std::memcpy(data + static_cast<size_t>(to) * bytes, data + static_cast<size_t>(from) * bytes, bytes);
  }
}

}  // namespace caravan
