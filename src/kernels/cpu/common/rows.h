// The row-wise ops for any vector type V. Contracts: ops/rms_norm.h, ops/add_rms_norm.h, ops/rope.h,
// ops/elementwise.h.
// Thread safety: pure functions of their task.
#pragma once

#include "kernels/cpu/common/elements.h"
#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// Calls body(i, count) for i = begin, begin + V::kWidth …; count is V::kWidth, and less only at the end.
template <typename V, typename Body>
inline void for_each_vector(Index begin, Index end, const Body& body) {
  Index i = begin;
  for (; i + V::kWidth <= end; i += V::kWidth) body(i, Index{V::kWidth});
  if (i < end) body(i, end - i);
}

template <typename V, typename T>
inline typename V::F read(const T* from, Index count) {
  return count == V::kWidth ? V::load(from) : V::load_part(from, count);
}

template <typename V, typename T>
inline void write(T* to, typename V::F value, Index count) {
  if (count == V::kWidth) {
    V::store(to, value);
  } else {
    V::store_part(to, value, count);
  }
}

/// exp(x), with a relative error of at most 2^-22; 0 below -87.3, where fp32's normal numbers end. For x up
/// to 88. NaN stays NaN. Cephes' expf: 2^n times a polynomial in the rest, which is at most ln(2) / 2 either
/// way.
template <typename V>
inline typename V::F exp_of(typename V::F x) {
  using F = typename V::F;
  // In this order, because x86's min and max return their second operand where either is NaN.
  const F clamped = V::min(V::set(88.0F), V::max(V::set(-87.33654F), x));
  const F n = V::round(V::mul(clamped, V::set(1.44269504F)));
  // ln(2) in two parts, so that n * ln(2) is exact to more bits than fp32 has.
  F r = V::fma(n, V::set(-0.693359375F), clamped);
  r = V::fma(n, V::set(2.12194440e-4F), r);
  F p = V::set(1.9875691500e-4F);
  p = V::fma(p, r, V::set(1.3981999507e-3F));
  p = V::fma(p, r, V::set(8.3334519073e-3F));
  p = V::fma(p, r, V::set(4.1665795894e-2F));
  p = V::fma(p, r, V::set(1.6666665459e-1F));
  p = V::fma(p, r, V::set(5.0000001201e-1F));
  p = V::add(V::fma(V::mul(r, r), p, r), V::set(1.0F));
  return V::zero_where_below(x, -87.33654F, V::scale_by_power(p, n));
}

/// What a row of `width` elements is multiplied with, from the sums of its squares.
template <typename V>
inline float norm_scale(typename V::F squares, Index width, float epsilon) {
  return 1.0F / V::square_root(V::sum(squares) / static_cast<float>(width) + epsilon);
}

/// The sums of the squares of x [width].
template <typename V>
inline typename V::F squares_of(const float* x, Index width) {
  typename V::F squares = V::zero();
  for_each_vector<V>(0, width, [&](Index i, Index count) {
    const typename V::F value = read<V>(x + i, count);
    squares = V::fma(value, value, squares);
  });
  return squares;
}

/// Row `row` of y, from the row x [width] of what is normed and the sums of its squares.
template <typename V, typename Y>
inline void write_normed(const RowTask& task, Index row, const float* x, typename V::F squares) {
  Y* y = static_cast<Y*>(task.y) + row * task.width;
  const typename V::F scale = V::set(norm_scale<V>(squares, task.width, task.epsilon));
  for_each_vector<V>(0, task.width, [&](Index i, Index count) {
    const typename V::F normed = V::mul(read<V>(x + i, count), scale);
    write<V>(y + i, V::mul(normed, read<V>(task.b + i, count)), count);
  });
}

template <typename V, typename Y>
void rms_norm(const RowTask& task) {
  for (Index row = task.begin; row < task.end; ++row) {
    const float* x = task.a + row * task.width;
    write_normed<V, Y>(task, row, x, squares_of<V>(x, task.width));
  }
}

template <typename V, typename Y>
void add_rms_norm(const AddNormTask& task) {
  const Index width = task.norm.width;
  for (Index row = task.norm.begin; row < task.norm.end; ++row) {
    const float* x = task.norm.a + row * width;
    const float* residual = task.residual + row * width;
    float* sum = task.sum + row * width;
    typename V::F squares = V::zero();
    for_each_vector<V>(0, width, [&](Index i, Index count) {
      const typename V::F value = V::add(read<V>(x + i, count), read<V>(residual + i, count));
      write<V>(sum + i, value, count);
      squares = V::fma(value, value, squares);
    });
    write_normed<V, Y>(task.norm, row, sum, squares);
  }
}

/// silu(gate) * up.
template <typename V>
inline typename V::F silu_times(typename V::F gate, typename V::F up) {
  const typename V::F one = V::set(1.0F);
  const typename V::F sigmoid = V::div(one, V::add(one, exp_of<V>(V::sub(V::zero(), gate))));
  return V::mul(V::mul(gate, sigmoid), up);
}

template <typename V, typename Y>
void silu_mul(const RowTask& task) {
  for_each_vector<V>(task.begin, task.end, [&](Index i, Index count) {
    const typename V::F y = silu_times<V>(read<V>(task.a + i, count), read<V>(task.b + i, count));
    write<V>(static_cast<Y*>(task.y) + i, y, count);
  });
}

template <typename V>
void add(const RowTask& task) {
  for_each_vector<V>(task.begin, task.end, [&](Index i, Index count) {
    write<V>(static_cast<float*>(task.y) + i, V::add(read<V>(task.a + i, count), read<V>(task.b + i, count)),
             count);
  });
}

template <typename V>
void combine(const CombineTask& task) {
  for_each_vector<V>(0, task.width, [&](Index i, Index count) {
    typename V::F sum = V::zero();
    for (Index j = 0; j < task.chosen; ++j) {
      if (task.places[j] < 0) continue;
      const float* row = task.grouped + task.places[j] * task.width;
      sum = V::fma(V::set(task.weights[j]), read<V>(row + i, count), sum);
    }
    if (task.shared != nullptr)
      sum = V::fma(V::set(task.shared_weight), read<V>(task.shared + i, count), sum);
    write<V>(task.y + i, V::add(read<V>(task.residual + i, count), sum), count);
  });
}

template <typename V>
void rope(const RopeTask& task) {
  for_each_vector<V>(0, task.half, [&](Index i, Index count) {
    const typename V::F c = read<V>(task.angles + i, count);
    const typename V::F s = read<V>(task.angles + task.half + i, count);
    const typename V::F first = read<V>(task.x + i, count);
    const typename V::F second = read<V>(task.x + task.half + i, count);
    write<V>(task.y + i, V::sub(V::mul(first, c), V::mul(second, s)), count);
    write<V>(task.y + task.half + i, V::add(V::mul(second, c), V::mul(first, s)), count);
  });
}

template <typename V, typename T>
void store_as(const float* from, void* to, Index count) {
  for_each_vector<V>(0, count, [&](Index i, Index part) {
    write<V>(static_cast<T*>(to) + i, read<V>(from + i, part), part);
  });
}

/// LevelKernels::store_i8.
template <typename V>
float store_scaled(const float* from, void* to, Index count, float given) {
  typename V::F largest = V::zero();
  // Zero for finite elements, NaN for others, which the largest does not show.
  typename V::F defect = V::zero();
  for_each_vector<V>(0, count, [&](Index i, Index part) {
    const typename V::F x = read<V>(from + i, part);
    largest = V::max(V::max(x, V::sub(V::zero(), x)), largest);
    defect = V::fma(x, V::zero(), defect);
  });
  const float scale = (given > 0.0F ? given : V::largest(largest) / 127.0F) + V::sum(defect);
  const bool some = scale > 0.0F;
  const typename V::F divisor = V::set(scale);
  for_each_vector<V>(0, count, [&](Index i, Index part) {
    typename V::F scaled = V::zero();
    if (some) {
      scaled = V::div(read<V>(from + i, part), divisor);
      scaled = V::min(V::max(scaled, V::set(-127.0F)), V::set(127.0F));
    }
    write<V>(static_cast<I8*>(to) + i, scaled, part);
  });
  return scale;
}

template <typename V>
void exp_all(const float* from, float* to, Index count) {
  for_each_vector<V>(
      0, count, [&](Index i, Index part) { write<V>(to + i, exp_of<V>(read<V>(from + i, part)), part); });
}

}  // namespace
}  // namespace caravan::cpu
