// The ops that touch the KV cache.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/reference/load_store.h"
#include "kernels/reference/rotate.h"
#include "kernels/reference/rows.h"

namespace caravan::reference {

namespace {

/// Element offset of position `position` of sequence `sequence`, head `head`, in a cache of `shape`.
int64_t slot_offset(const TokenPlaces& places, const Shape& shape, int64_t sequence, int64_t position,
                    int64_t head) {
  const int64_t kv_heads = shape[1];
  const int64_t block_size = shape[2];
  const int64_t head_dim = shape[3];
  const int64_t column = position / block_size;
  CARAVAN_CHECK(column < places.block_table.shape[1]);
  const int64_t block = places.block_table.as<int32_t>()[sequence * places.block_table.shape[1] + column];
  CARAVAN_CHECK(block >= 0 && block < shape[0]);
  return ((block * kv_heads + head) * block_size + position % block_size) * head_dim;
}

template <typename T>
void kv_write(const KvWriteArgs& args, Lane lane) {
  const int64_t kv_heads = args.k_cache.shape[1];
  const int64_t head_dim = args.k_cache.shape[3];
  const Range part = share_of(args.k.shape[0] * kv_heads, lane);
  for (int64_t item = part.begin; item < part.end; ++item) {
    const int64_t token = item / kv_heads;
    const int64_t sequence = args.places.sequences.as<int32_t>()[token];
    if (sequence < 0) continue;
    const int64_t position = args.places.positions.as<int32_t>()[token];
    const int64_t slot = slot_offset(args.places, args.k_cache.shape, sequence, position, item % kv_heads);
    for (int64_t i = 0; i < head_dim; ++i) {
      store<T>(args.k_cache.data, slot + i, load<float>(args.k.data, item * head_dim + i));
      store<T>(args.v_cache.data, slot + i, load<float>(args.v.data, item * head_dim + i));
    }
  }
}

/// Queries first, then keys with their values: each head of each token by itself.
template <typename T>
void rope_kv_write(const RopeKvWriteArgs& args, Lane lane) {
  const int64_t head_dim = args.k_cache.shape[3];
  const int64_t heads = args.q.columns / head_dim;
  const int64_t kv_heads = args.k_cache.shape[1];
  const Range part = share_of(args.q.rows * (heads + kv_heads), lane);
  std::vector<float> rotated(static_cast<size_t>(head_dim));
  for (int64_t item = part.begin; item < part.end; ++item) {
    const int64_t token = item / (heads + kv_heads);
    const int64_t head = item % (heads + kv_heads);
    const float* angles = args.angles.as<float>() + token * head_dim;
    if (head < heads) {
      float* y = args.y.as<float>() + token * args.q.columns + head * head_dim;
      rotate(args.q.row(token) + head * head_dim, angles, y, head_dim / 2);
      continue;
    }
    const int64_t sequence = args.places.sequences.as<int32_t>()[token];
    if (sequence < 0) continue;
    const int64_t position = args.places.positions.as<int32_t>()[token];
    const int64_t slot = slot_offset(args.places, args.k_cache.shape, sequence, position, head - heads);
    rotate(args.k.row(token) + (head - heads) * head_dim, angles, rotated.data(), head_dim / 2);
    for (int64_t i = 0; i < head_dim; ++i) {
      store<T>(args.k_cache.data, slot + i, load<float>(rotated.data(), i));
      store<T>(args.v_cache.data, slot + i, load<float>(args.v.row(token), (head - heads) * head_dim + i));
    }
  }
}

/// One query head of one token: the whole row of scores first, then its softmax, then the sum of values.
template <typename T, typename Y>
void attend(const AttentionArgs& args, int64_t token, int64_t head) {
  const Shape& cache = args.k_cache.shape;
  const int64_t head_dim = cache[3];
  const int64_t heads = args.q.shape[1] / head_dim;
  const int64_t kv_head = head / (heads / cache[1]);
  const int64_t row = (token * heads + head) * head_dim;
  const int64_t sequence = args.places.sequences.as<int32_t>()[token];
  std::vector<double> sum(static_cast<size_t>(head_dim), 0.0);  // [head_dim]
  if (sequence >= 0) {
    const int64_t last = args.places.positions.as<int32_t>()[token];
    const int64_t first = args.window == 0 ? 0 : std::max<int64_t>(0, last - args.window + 1);
    std::vector<double> scores;  // [last - first + 1]
    for (int64_t j = first; j <= last; ++j) {
      const int64_t slot = slot_offset(args.places, cache, sequence, j, kv_head);
      double dot = 0.0;
      for (int64_t i = 0; i < head_dim; ++i)
        dot += load<float>(args.q.data, row + i) * load<T>(args.k_cache.data, slot + i);
      scores.push_back(dot * static_cast<double>(args.scale));
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    double total = 0.0;
    for (double& score : scores) total += score = std::exp(score - largest);
    for (int64_t j = first; j <= last; ++j) {
      const int64_t slot = slot_offset(args.places, cache, sequence, j, kv_head);
      const double weight = scores[static_cast<size_t>(j - first)] / total;
      for (int64_t i = 0; i < head_dim; ++i)
        sum[static_cast<size_t>(i)] += weight * load<T>(args.v_cache.data, slot + i);
    }
  }
  for (int64_t i = 0; i < head_dim; ++i) store<Y>(args.y.data, row + i, sum[static_cast<size_t>(i)]);
}

template <typename T>
void attention(const AttentionArgs& args, Lane lane) {
  const int64_t heads = args.q.shape[1] / args.k_cache.shape[3];
  const Range part = share_of(args.q.shape[0] * heads, lane);
  for (int64_t item = part.begin; item < part.end; ++item) {
    if (args.y.dtype == DType::kF32) {
      attend<T, float>(args, item / heads, item % heads);
    } else {
      attend<T, BFloat16>(args, item / heads, item % heads);
    }
  }
}

}  // namespace

void add_attention(KernelTable& table) {
  table.kv_write.set(DType::kF32, kv_write<float>, kLevel);
  table.kv_write.set(DType::kF16, kv_write<Half>, kLevel);
  table.kv_write.set(DType::kBF16, kv_write<BFloat16>, kLevel);
  table.rope_kv_write.set(DType::kF32, rope_kv_write<float>, kLevel);
  table.rope_kv_write.set(DType::kF16, rope_kv_write<Half>, kLevel);
  table.rope_kv_write.set(DType::kBF16, rope_kv_write<BFloat16>, kLevel);
  table.attention.set(DType::kF32, attention<float>, kLevel);
  table.attention.set(DType::kF16, attention<Half>, kLevel);
  table.attention.set(DType::kBF16, attention<BFloat16>, kLevel);
}

}  // namespace caravan::reference
