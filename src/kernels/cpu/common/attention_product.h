// The one matrix product of attention: rows of queries by transposed keys, and rows of weights by values.
//
// Every element of the result is one lane of one accumulator that runs over the depth from first to last, so
// its value does not depend on how rows and columns are cut into tiles, nor on the depth being done in
// pieces. Thread safety: pure functions.
#pragma once

#include "kernels/cpu/common/raw.h"

namespace caravan::cpu {
namespace {

/// Rows of a tile: 6 x 4 accumulators of 512 bits, or 6 x 2 of 256, leave registers for what they multiply.
constexpr int kProductRows = 6;

/// c = a . b, or c = c * factors + a . b, or c += a . b.
struct Product {
  const float* a = nullptr;  ///< [rows, depth], rows a_stride apart
  Index a_stride = 0;
  const float* b = nullptr;  ///< [depth, columns], rows b_stride apart
  Index b_stride = 0;
  Index depth = 0;
  float* c = nullptr;  ///< [rows, columns], rows c_stride apart
  Index c_stride = 0;
  Index rows = 0;                  ///< at most kProductRows
  Index columns = 0;               ///< a multiple of the vector's width
  const float* factors = nullptr;  ///< [rows], or null for 1
  bool adds = false;               ///< to c, which is not read else
};

template <typename V, int kRows, int kVectors>
inline void product_tile(const Product& product, Index column) {
  typename V::F sums[kRows][kVectors];
  float* c = product.c + column;
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = product.adds ? V::load(c + r * product.c_stride + v * V::kWidth) : V::zero();
      if (product.factors != nullptr) sums[r][v] = V::mul(sums[r][v], V::set(product.factors[r]));
    }
  }
  const float* a = product.a;
  const float* b = product.b + column;
  for (Index d = 0; d < product.depth; ++d, ++a, b += product.b_stride) {
    typename V::F line[kVectors];
    for (int v = 0; v < kVectors; ++v) line[v] = V::load(b + v * V::kWidth);
    for (int r = 0; r < kRows; ++r) {
      const typename V::F factor = V::set(a[r * product.a_stride]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = V::fma(factor, line[v], sums[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) V::store(c + r * product.c_stride + v * V::kWidth, sums[r][v]);
  }
}

/// The last columns, fewer than kVectors + 1 vectors.
template <typename V, int kRows, int kVectors>
inline void product_rest(const Product& product, Index column) {
  if constexpr (kVectors > 0) {
    if (product.columns - column == kVectors * V::kWidth)
      return product_tile<V, kRows, kVectors>(product, column);
    product_rest<V, kRows, kVectors - 1>(product, column);
  }
}

template <typename V, int kRows>
inline void product_columns(const Product& product) {
  // With few rows narrow vectors leave registers free, and more sums at a time hide the multiply-add's
  // latency.
  constexpr int kVectors = kRows <= 3 ? 4 : V::kTileVectors;
  Index column = 0;
  for (; column + kVectors * V::kWidth <= product.columns; column += kVectors * V::kWidth)
    product_tile<V, kRows, kVectors>(product, column);
  product_rest<V, kRows, kVectors - 1>(product, column);
}

template <typename V, int kRows = kProductRows>
inline void multiply(const Product& product) {
  if constexpr (kRows > 0) {
    if (product.rows == kRows) return product_columns<V, kRows>(product);
    multiply<V, kRows - 1>(product);
  }
}

}  // namespace
}  // namespace caravan::cpu
