// The sizes of a tensor, outermost first, row-major.
// Invariants: at most kMaxRank dimensions, none negative. Thread safety: a value type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>

namespace caravan {

/// No operator needs more: the KV cache is [blocks, kv_heads, block_size, head_dim].
constexpr size_t kMaxRank = 4;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes);
  /// `sizes[0 .. rank)`; rank must be at most kMaxRank.
  Shape(const int64_t* sizes, size_t rank);

  [[nodiscard]] size_t rank() const { return rank_; }
  [[nodiscard]] int64_t operator[](size_t axis) const { return sizes_[axis]; }
  [[nodiscard]] int64_t back() const { return sizes_[rank_ - 1]; }

  /// The number of elements; 1 for rank 0. The caller has made sure that it fits (checkpoint/ does, for
  /// files).
  [[nodiscard]] int64_t elements() const;
  /// "[2, 3]".
  [[nodiscard]] std::string to_string() const;

  bool operator==(const Shape& other) const = default;

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  size_t rank_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape);

}  // namespace caravan
