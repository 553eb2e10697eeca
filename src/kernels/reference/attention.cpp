// The ops that touch the KV cache.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/reference/load_store.h"
#include "kernels/reference/rotate.h"
#include "kernels/reference/rows.h"

namespace caravan::reference {

namespace {

/// One slot of one KV head.
struct Place {
  int64_t block = 0;
  int64_t head = 0;
  int64_t slot = 0;
};

/// Where position `position` of sequence `sequence` lies.
Place place_of(const TokenPlaces& places, const KvLayout& layout, int64_t sequence, int64_t position,
               int64_t head) {
  const int64_t column = position / layout.block_size;
  CARAVAN_CHECK(column < places.block_table.shape[1]);
  const int64_t block = places.block_table.as<int32_t>()[sequence * places.block_table.shape[1] + column];
  CARAVAN_CHECK(block >= 0 && block < layout.blocks);
  return {block, head, position % layout.block_size};
}

/// The scale of a place in an int8 cache.
template <typename Byte>
auto* scale_at(Byte* cache, const KvLayout& layout, const Place& at) {
  using Scale = std::conditional_t<std::is_const_v<Byte>, const float, float>;
  return reinterpret_cast<Scale*>(cache + layout.scale_offset(at.block, at.head, at.slot));
}

/// As ops/kv_write.h: x [head_dim], `given` the scale or 0.
void store_scaled(const float* x, float given, const TensorView& cache, const KvLayout& layout,
                  const Place& at) {
  float largest = 0.0F;
  bool finite = true;
  for (int64_t i = 0; i < layout.head_dim; ++i) {
    finite = finite && std::isfinite(x[i]);
    largest = std::max(largest, std::abs(x[i]));
  }
  const float scale = given > 0.0F ? given : largest / kLargestInt8;
  int8_t* row = cache.as<int8_t>() + layout.row_offset(at.block, at.head, at.slot);
  for (int64_t i = 0; i < layout.head_dim; ++i) {
    const bool some = finite && scale > 0.0F;
    const float scaled = some ? std::clamp(x[i] / scale, -kLargestInt8, kLargestInt8) : 0.0F;
    row[i] = static_cast<int8_t>(std::nearbyint(scaled));
  }
  *scale_at(cache.as<int8_t>(), layout, at) = finite ? scale : std::numeric_limits<float>::quiet_NaN();
}

template <typename T>
void store_row(const float* x, float given, const TensorView& cache, const KvLayout& layout,
               const Place& at) {
  if constexpr (std::is_same_v<T, int8_t>) {
    store_scaled(x, given, cache, layout, at);
  } else {
    const int64_t row = layout.row_offset(at.block, at.head, at.slot);
    for (int64_t i = 0; i < layout.head_dim; ++i) store<T>(cache.data, row + i, load<float>(x, i));
  }
}

/// The head_dim elements of a place as numbers.
template <typename T>
void load_row(const ConstTensorView& cache, const KvLayout& layout, const Place& at,
              std::vector<double>& values) {
  const int64_t row = layout.row_offset(at.block, at.head, at.slot);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto element = row + static_cast<int64_t>(i);
    if constexpr (std::is_same_v<T, int8_t>) {
      values[i] = static_cast<double>(cache.as<int8_t>()[element]) *
                  static_cast<double>(*scale_at(cache.as<int8_t>(), layout, at));
    } else {
      values[i] = load<T>(cache.data, element);
    }
  }
}

template <typename T>
void kv_write(const KvWriteArgs& args, Lane lane) {
  const KvLayout layout = kv_layout_of(args.k_cache);
  const Range part = share_of(args.k.shape[0] * layout.kv_heads, lane);
  for (int64_t item = part.begin; item < part.end; ++item) {
    const int64_t token = item / layout.kv_heads;
    const int64_t head = item % layout.kv_heads;
    const int64_t sequence = args.places.sequences.as<int32_t>()[token];
    if (sequence < 0) continue;
    const int64_t position = args.places.positions.as<int32_t>()[token];
    const Place at = place_of(args.places, layout, sequence, position, head);
    const int64_t from = item * layout.head_dim;
    store_row<T>(args.k.as<float>() + from, given_scale(args.scales.k, head), args.k_cache, layout, at);
    store_row<T>(args.v.as<float>() + from, given_scale(args.scales.v, head), args.v_cache, layout, at);
  }
}

/// Queries first, then keys with their values: each head of each token by itself.
template <typename T>
void rope_kv_write(const RopeKvWriteArgs& args, Lane lane) {
  const KvLayout layout = kv_layout_of(args.k_cache);
  const int64_t head_dim = layout.head_dim;
  const int64_t heads = args.q.columns / head_dim;
  const int64_t both = heads + layout.kv_heads;
  const Range part = share_of(args.q.rows * both, lane);
  std::vector<float> rotated(static_cast<size_t>(head_dim));
  for (int64_t item = part.begin; item < part.end; ++item) {
    const int64_t token = item / both;
    const int64_t head = item % both;
    const float* angles = args.angles.as<float>() + token * head_dim;
    if (head < heads) {
      float* y = args.y.as<float>() + token * args.q.columns + head * head_dim;
      rotate(args.q.row(token) + head * head_dim, angles, y, head_dim / 2);
      continue;
    }
    const int64_t sequence = args.places.sequences.as<int32_t>()[token];
    if (sequence < 0) continue;
    const int64_t position = args.places.positions.as<int32_t>()[token];
    const int64_t kv_head = head - heads;
    const Place at = place_of(args.places, layout, sequence, position, kv_head);
    rotate(args.k.row(token) + kv_head * head_dim, angles, rotated.data(), head_dim / 2);
    store_row<T>(rotated.data(), given_scale(args.scales.k, kv_head), args.k_cache, layout, at);
    store_row<T>(args.v.row(token) + kv_head * head_dim, given_scale(args.scales.v, kv_head), args.v_cache,
                 layout, at);
  }
}

/// One query head of one token: the whole row of scores first, then its softmax, then the sum of values.
template <typename T, typename Y>
void attend(const AttentionArgs& args, int64_t token, int64_t head) {
  const KvLayout layout = kv_layout_of(args.k_cache);
  const auto head_dim = static_cast<size_t>(layout.head_dim);
  const int64_t heads = args.q.shape[1] / layout.head_dim;
  const int64_t kv_head = head / (heads / layout.kv_heads);
  const int64_t row = (token * heads + head) * layout.head_dim;
  const int64_t sequence = args.places.sequences.as<int32_t>()[token];
  std::vector<double> sum(head_dim, 0.0);
  if (sequence >= 0) {
    const int64_t last = args.places.positions.as<int32_t>()[token];
    const int64_t first = args.window == 0 ? 0 : std::max<int64_t>(0, last - args.window + 1);
    std::vector<double> stored(head_dim);  // a key, or a value
    std::vector<double> scores;            // [last - first + 1]
    for (int64_t j = first; j <= last; ++j) {
      load_row<T>(args.k_cache, layout, place_of(args.places, layout, sequence, j, kv_head), stored);
      double dot = 0.0;
      for (size_t i = 0; i < head_dim; ++i)
        dot += load<float>(args.q.data, row + static_cast<int64_t>(i)) * stored[i];
      scores.push_back(dot * static_cast<double>(args.scale));
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    double total = 0.0;
    for (double& score : scores) total += score = std::exp(score - largest);
    for (int64_t j = first; j <= last; ++j) {
      load_row<T>(args.v_cache, layout, place_of(args.places, layout, sequence, j, kv_head), stored);
      const double weight = scores[static_cast<size_t>(j - first)] / total;
      for (size_t i = 0; i < head_dim; ++i) sum[i] += weight * stored[i];
    }
  }
  for (size_t i = 0; i < head_dim; ++i) store<Y>(args.y.data, row + static_cast<int64_t>(i), sum[i]);
}

template <typename T>
void attention(const AttentionArgs& args, Lane lane) {
  const int64_t heads = args.q.shape[1] / kv_layout_of(args.k_cache).head_dim;
  const Range part = share_of(args.q.shape[0] * heads, lane);
  for (int64_t item = part.begin; item < part.end; ++item) {
    if (args.y.dtype == DType::kF32) {
      attend<T, float>(args, item / heads, item % heads);
    } else {
      attend<T, BFloat16>(args, item / heads, item % heads);
    }
  }
}

template <typename T>
void add_kernels(KernelTable& table, DType dtype) {
  table.kv_write.set(dtype, kv_write<T>, kLevel);
  table.rope_kv_write.set(dtype, rope_kv_write<T>, kLevel);
  table.attention.set(dtype, attention<T>, kLevel);
}

}  // namespace

void add_attention(KernelTable& table) {
  add_kernels<float>(table, DType::kF32);
  add_kernels<Half>(table, DType::kF16);
  add_kernels<BFloat16>(table, DType::kBF16);
  add_kernels<int8_t>(table, DType::kI8);
}

}  // namespace caravan::reference
