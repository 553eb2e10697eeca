#include "tensor/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "support/errors.h"

namespace caravan {
namespace {

bool is_all_zero(const Buffer& buffer) {
  const auto* bytes = static_cast<const char*>(buffer.data());
  return std::all_of(bytes, bytes + buffer.size(), [](char byte) { return byte == 0; });
}

TEST(Buffer, IsAlignedAndZeroAtEverySize) {
  const size_t map_above = size_t{1} << 20U;
  for (const size_t bytes :
       {size_t{1}, size_t{63}, size_t{65}, map_above, map_above + 1, 3 * map_above + 7}) {
    const Buffer buffer(bytes);
    EXPECT_EQ(buffer.size(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % kBufferAlignment, 0U);
    EXPECT_TRUE(is_all_zero(buffer));
  }
}

TEST(Buffer, BeginsWithAHugePageThatItFills) {
  constexpr size_t kHugePage = size_t{2} << 20U;
  for (const size_t bytes : {kHugePage, kHugePage + 1, 5 * kHugePage - 3}) {
    const Buffer buffer(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % kHugePage, 0U) << bytes;
    EXPECT_TRUE(is_all_zero(buffer));
  }
}

TEST(Slabs, HandOutAlignedPiecesOneAfterTheOther) {
  Slabs slabs;
  std::byte* const first = slabs.take(100);
  std::byte* const second = slabs.take(64);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % kBufferAlignment, 0U);
  EXPECT_EQ(second, first + 128);
  EXPECT_EQ(slabs.take(1), second + 64);
}

TEST(Slabs, HoldPiecesThatAreLargerThanTheRestOrThanASlab) {
  Slabs slabs;
  std::byte* const small = slabs.take(1);
  const size_t large = (size_t{256} << 20U) + 5;
  std::byte* const whole = slabs.take(large);
  *small = whole[0] = whole[large - 1] = std::byte{7};
  EXPECT_EQ(reinterpret_cast<uintptr_t>(whole) % kBufferAlignment, 0U);
  std::byte* const next = slabs.take(70);
  EXPECT_EQ(next[0], std::byte{0});
  EXPECT_EQ(next[69], std::byte{0});
}

TEST(Buffer, IsNullWhenEmpty) {
  EXPECT_EQ(Buffer().data(), nullptr);
  EXPECT_EQ(Buffer(0).data(), nullptr);
}

TEST(Buffer, MovesItsMemory) {
  Buffer first(10);
  void* const data = first.data();
  Buffer second(std::move(first));
  EXPECT_EQ(second.data(), data);
  Buffer third(2 << 20);
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.size(), 10U);
}

TEST(Buffer, SaysHowMuchTheSystemDoesNotHave) {
  EXPECT_EQ(test::error_of([] { Buffer buffer(size_t{1} << 60U); }),
            "out of memory: the system has no 1152921504606846976 bytes more");
}

TEST(Shape, KnowsItsSizes) {
  const Shape shape = {2, 3, 5};
  EXPECT_EQ(shape.rank(), 3U);
  EXPECT_EQ(shape.back(), 5);
  EXPECT_EQ(shape.elements(), 30);
  EXPECT_EQ(shape.to_string(), "[2, 3, 5]");
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape().to_string(), "[]");
  EXPECT_EQ((Shape{4, 0}).elements(), 0);
}

TEST(Shape, EqualsOnlyTheSameSizesAndRank) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_NE((Shape{2}), (Shape{2, 0}));
}

TEST(ShapeDeathTest, HasAtMostFourSizesAndNoneNegative) {
  EXPECT_DEATH(Shape({1, 1, 1, 1, 1}), "rank <= kMaxRank");
  EXPECT_DEATH(Shape({-1}), "sizes\\[axis\\] >= 0");
}

TEST(Tensor, OwnsWhatItsViewShows) {
  const Tensor tensor(DType::kBF16, {2, 3});
  EXPECT_EQ(tensor.view().bytes(), 12U);
  tensor.as<BFloat16>()[5] = to_bfloat16(1.5F);
  const ConstTensorView view = tensor.view();
  EXPECT_EQ(to_float(view.as<BFloat16>()[5]), 1.5F);
}

TEST(TensorViewDeathTest, RefusesElementsOfAnotherSize) {
  const Tensor tensor(DType::kBF16, {2});
  EXPECT_DEATH((void)tensor.as<float>(), "sizeof\\(T\\) == size_of\\(dtype\\), found 4 and 2");
}

}  // namespace
}  // namespace caravan
