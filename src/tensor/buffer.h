// Memory that is owned: aligned, sized in bytes, freed at the end of scope.
// Invariants: data() is aligned to kBufferAlignment, or null when size() is 0. Thread safety: as std::vector.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "tensor/view.h"

namespace caravan {

/// One cache line, which is also the widest vector register (AVX-512).
constexpr size_t kBufferAlignment = 64;

class Buffer {
 public:
  Buffer() = default;
  /// `bytes` of memory, all zero. Throws Error, saying how much was asked for, if the system has none.
  explicit Buffer(size_t bytes);
  ~Buffer();
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] void* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {static_cast<std::byte*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

/// Memory for many weights that live equally long, one after the other: each in a Buffer of its own would
/// end, and the next begin, in small pages, which are read at two thirds of the rate of huge ones.
class Slabs {
 public:
  /// `bytes` of memory, all zero and aligned to kBufferAlignment, as long as the slabs live. Throws as
  /// Buffer does.
  std::byte* take(size_t bytes);

 private:
  std::vector<Buffer> slabs_;
  size_t used_ = 0;  ///< of the last one, in bytes
};

/// A tensor that owns its memory.
class Tensor {
 public:
  Tensor() = default;
  /// All zero.
  Tensor(DType dtype, Shape shape)
      : buffer_(static_cast<size_t>(shape.elements()) * size_of(dtype)),
        view_{buffer_.data(), dtype, shape} {}

  [[nodiscard]] const TensorView& view() const { return view_; }
  [[nodiscard]] const Shape& shape() const { return view_.shape; }
  [[nodiscard]] DType dtype() const { return view_.dtype; }
  template <typename T>
  [[nodiscard]] T* as() const {
    return view_.as<T>();
  }
  [[nodiscard]] std::byte* as_bytes() const { return static_cast<std::byte*>(view_.data); }

 private:
  Buffer buffer_;
  TensorView view_;
};

}  // namespace caravan
