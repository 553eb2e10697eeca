#include "quantize/hessian.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace {

/// Columns that are factored at a time: a panel of 64 stays in the first cache while the rest is updated.
constexpr int64_t kBlock = 64;

/// A square matrix by its rows.
struct Square {
  float* data;
  int64_t size;
  [[nodiscard]] float* row(int64_t i) const { return data + i * size; }
};

/// y += factor * x, `count` elements.
void add_scaled(float factor, const float* x, int64_t count, float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] += factor * x[i];
}

/// Factors the diagonal block that begins at `begin`, whose earlier columns are done. False where it is not
/// positive definite.
bool factor_block(const Square& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t j = begin; j <= i; ++j) {
      double sum = a.row(i)[j];
      for (int64_t k = begin; k < j; ++k) sum -= static_cast<double>(a.row(i)[k]) * a.row(j)[k];
      if (i != j) {
        a.row(i)[j] = static_cast<float>(sum / a.row(j)[j]);
      } else if (sum > 0.0) {
        a.row(i)[i] = static_cast<float>(std::sqrt(sum));
      } else {
        return false;
      }
    }
  }
  return true;
}

/// Row i below the diagonal block: its part of L, by forward substitution.
void solve_row(const Square& a, int64_t i, int64_t begin, int64_t end) {
  for (int64_t j = begin; j < end; ++j) {
    double sum = a.row(i)[j];
    for (int64_t k = begin; k < j; ++k) sum -= static_cast<double>(a.row(i)[k]) * a.row(j)[k];
    a.row(i)[j] = static_cast<float>(sum / a.row(j)[j]);
  }
}

/// The lower Cholesky factor in place, in the lower triangle. False where there is none.
bool factor(const Square& a) {
  std::vector<float> across(static_cast<size_t>(kBlock * a.size));  // [kBlock, size]: the panel transposed
  for (int64_t begin = 0; begin < a.size; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, a.size);
    if (!factor_block(a, begin, end)) return false;
    const auto rows = static_cast<size_t>(a.size - end);
    for_each_in_parallel((rows + kBlock - 1) / kBlock, [&](size_t item) {
      const int64_t first = end + static_cast<int64_t>(item) * kBlock;
      for (int64_t i = first; i < std::min(first + kBlock, a.size); ++i) {
        solve_row(a, i, begin, end);
        for (int64_t k = begin; k < end; ++k)
          across[static_cast<size_t>((k - begin) * a.size + i)] = a.row(i)[k];
      }
    });
    for_each_in_parallel((rows + kBlock - 1) / kBlock, [&](size_t item) {
      const int64_t first = end + static_cast<int64_t>(item) * kBlock;
      for (int64_t i = first; i < std::min(first + kBlock, a.size); ++i) {
        for (int64_t k = begin; k < end; ++k)
          add_scaled(-a.row(i)[k], across.data() + (k - begin) * a.size + end, i + 1 - end, a.row(i) + end);
      }
    });
  }
  return true;
}

/// With the order of inputs turned round, the inverse of the lower factor L of H is the upper factor of H's
/// inverse: U = P L^-1 P, where P turns round. `a` holds L of the turned H.
Tensor turned_inverse(const Square& a) {
  const int64_t n = a.size;
  Tensor upper(DType::kF32, {n, n});
  for_each_in_parallel(static_cast<size_t>((n + kBlock - 1) / kBlock), [&](size_t item) {
    const int64_t begin = static_cast<int64_t>(item) * kBlock;
    const int64_t width = std::min(kBlock, n - begin);
    std::vector<float> columns(static_cast<size_t>((n - begin) * width));  // [n - begin, width] of L^-1
    for (int64_t i = begin; i < n; ++i) {
      float* row = columns.data() + (i - begin) * width;
      if (i < begin + width) row[i - begin] = 1.0F;
      for (int64_t k = begin; k < i; ++k)
        add_scaled(-a.row(i)[k], columns.data() + (k - begin) * width, width, row);
      const float pivot = a.row(i)[i];
      float* to = upper.as<float>() + (n - 1 - i) * n;
      for (int64_t j = 0; j < width; ++j) {
        row[j] /= pivot;
        to[n - 1 - begin - j] = row[j];
      }
    }
  });
  return upper;
}

}  // namespace

Tensor products_of(const ConstTensorView& x, Machine& machine) {
  const int64_t tokens = x.shape[0];
  const int64_t in = x.shape[1];
  // [in, tokens]: the products of its rows are a matmul with itself.
  const Tensor across(DType::kF32, {in, tokens});
  const float* from = x.as<float>();
  float* to = across.as<float>();
  for_each_in_parallel(static_cast<size_t>((in + kBlock - 1) / kBlock), [&](size_t item) {
    const int64_t begin = static_cast<int64_t>(item) * kBlock;
    const int64_t end = std::min(begin + kBlock, in);
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t i = begin; i < end; ++i) to[i * tokens + t] = from[t * in + i];
  });
  return machine.multiply(across.view(), across.view());
}

Tensor inverse_factor(Tensor products, double damping) {
  const int64_t n = products.shape()[0];
  const float* h = products.as<float>();
  double mean = 0.0;
  for (int64_t i = 0; i < n; ++i) mean += h[i * n + i] / static_cast<double>(n);
  if (!(mean > 0.0)) mean = 1.0;
  Tensor turned(DType::kF32, {n, n});
  const Square a = {turned.as<float>(), n};
  for (;; damping *= 10.0) {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j <= i; ++j) a.row(i)[j] = h[(n - 1 - i) * n + n - 1 - j];
      if (!(a.row(i)[i] > 0.0F)) a.row(i)[i] = static_cast<float>(mean);
      a.row(i)[i] += static_cast<float>(damping * mean);
    }
    if (factor(a)) break;
    CARAVAN_CHECK(damping < 1e6);
  }
  products = Tensor();
  return turned_inverse(a);
}

}  // namespace caravan
