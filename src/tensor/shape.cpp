#include "tensor/shape.h"

#include "base/error.h"

namespace caravan {

Shape::Shape(std::initializer_list<int64_t> sizes) : Shape(sizes.begin(), sizes.size()) {}

Shape::Shape(const int64_t* sizes, size_t rank) : rank_(rank) {
  CARAVAN_CHECK(rank <= kMaxRank);
  for (size_t axis = 0; axis < rank; ++axis) {
    CARAVAN_CHECK(sizes[axis] >= 0);
    sizes_[axis] = sizes[axis];
  }
}

int64_t Shape::elements() const {
  int64_t product = 1;
  for (size_t axis = 0; axis < rank_; ++axis) product *= sizes_[axis];
  return product;
}

std::string Shape::to_string() const {
  std::string out = "[";
  for (size_t axis = 0; axis < rank_; ++axis) {
    if (axis != 0) out += ", ";
    out += std::to_string(sizes_[axis]);
  }
  return out + "]";
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.to_string(); }

}  // namespace caravan
