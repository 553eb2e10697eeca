// A tensor that somebody else owns: where its elements are, what they are, and how many.
// Invariants: contiguous and row-major; whoever made the view keeps the memory alive. Thread safety: a value
// type; the elements are as safe as what is done to them.
#pragma once

#include <array>
#include <type_traits>

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace caravan {

struct TensorView {
  void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  [[nodiscard]] size_t bytes() const { return static_cast<size_t>(shape.elements()) * size_of(dtype); }

  /// The elements as T, whose size must be the dtype's.
  template <typename T>
  [[nodiscard]] T* as() const {
    CARAVAN_CHECK_EQ(sizeof(T), size_of(dtype));
    return static_cast<T*>(data);
  }
};

struct ConstTensorView {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  ConstTensorView() = default;
  ConstTensorView(const void* elements, DType element_type, Shape sizes)
      : data(elements), dtype(element_type), shape(sizes) {}
  // Implicit, as a pointer becomes a pointer to const.
  ConstTensorView(const TensorView& view)  // NOLINT(google-explicit-constructor)
      : data(view.data), dtype(view.dtype), shape(view.shape) {}

  [[nodiscard]] size_t bytes() const { return static_cast<size_t>(shape.elements()) * size_of(dtype); }

  template <typename T>
  [[nodiscard]] const T* as() const {
    CARAVAN_CHECK_EQ(sizeof(T), size_of(dtype));
    return static_cast<const T*>(data);
  }
};

/// `count` of the outermost axis of `view`, from number `first` on.
template <typename View>
View outer_part(const View& view, int64_t first, int64_t count) {
  std::array<int64_t, kMaxRank> sizes{count};
  size_t stride = size_of(view.dtype);
  for (size_t axis = 1; axis < view.shape.rank(); ++axis) {
    sizes.at(axis) = view.shape[axis];
    stride *= static_cast<size_t>(view.shape[axis]);
  }
  CARAVAN_CHECK(first >= 0 && count >= 0 && first + count <= view.shape[0]);
  using Byte = std::conditional_t<std::is_same_v<View, TensorView>, std::byte, const std::byte>;
  return {static_cast<Byte*>(view.data) + static_cast<size_t>(first) * stride, view.dtype,
          Shape(sizes.data(), view.shape.rank())};
}

/// Neighbouring columns of fp32 rows: all of a matrix's, or some.
struct ConstColumnsView {
  const float* data = nullptr;  ///< the first column's element of the first row
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t stride = 0;  ///< elements from one row to the next

  ConstColumnsView() = default;
  /// The columns `begin` to `begin + count` - 1 of `matrix`, which is fp32.
  ConstColumnsView(const ConstTensorView& matrix, int64_t begin, int64_t count)
      : data(matrix.as<float>() + begin), rows(matrix.shape[0]), columns(count), stride(matrix.shape[1]) {
    CARAVAN_CHECK(begin >= 0 && begin + count <= stride);
  }
  [[nodiscard]] const float* row(int64_t index) const { return data + index * stride; }
};

}  // namespace caravan
