// The int8 KV cache: what is written, to the last bit at every level, and what attention makes of scales.
// That attention agrees with the reference and is the same in every cut stands in levels_test.cpp and
// attention_test.cpp, with the other dtypes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/op_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::AttentionCase;
using test::index_tensor;
using test::random_tensor;
using test::run_lanes;
using test::values_of;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A row as it was stored.
struct StoredRow {
  std::vector<int> values;
  float scale = 0.0F;
};

StoredRow row_at(const Tensor& cache, int64_t block, int64_t head, int64_t slot) {
  const KvLayout layout = kv_layout_of(cache.view());
  const int8_t* row = cache.as<int8_t>() + layout.row_offset(block, head, slot);
  StoredRow stored = {{row, row + layout.head_dim}, 0.0F};
  std::memcpy(&stored.scale, cache.as<int8_t>() + layout.scale_offset(block, head, slot), sizeof(float));
  return stored;
}

/// Writes one token of one head, at slot 5 of a block of 16.
StoredRow stored(const KernelTable& table, const std::vector<float>& x, const CacheScales& scales = {}) {
  const auto head_dim = static_cast<int64_t>(x.size());
  const Tensor k(DType::kF32, {1, head_dim});
  std::memcpy(k.view().data, x.data(), x.size() * sizeof(float));
  const Tensor cache(DType::kI8, KvLayout{DType::kI8, 1, 1, 16, head_dim}.shape());
  const Tensor other(DType::kI8, cache.shape());
  const Tensor position = index_tensor({5}, {1});
  const Tensor zero = index_tensor({0}, {1});
  const Tensor blocks = index_tensor({0}, {1, 1});
  const TokenPlaces places = {position.view(), zero.view(), blocks.view()};
  run_lanes(table.kv_write, {k.view(), k.view(), places, cache.view(), other.view(), scales}, 1);
  return row_at(cache, 0, 0, 5);
}

Tensor scales_of(const std::vector<float>& values) {
  Tensor tensor(DType::kF32, {static_cast<int64_t>(values.size())});
  std::memcpy(tensor.view().data, values.data(), values.size() * sizeof(float));
  return tensor;
}

TEST(Int8KvWrite, ScalesARowByItsLargestElementAndRoundsTiesToEven) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    const StoredRow row = stored(select_kernels(level), {1.0F, -127.0F, 63.5F, 64.5F, 0.5F, -1.5F, 0.0F});
    EXPECT_EQ(row.scale, 1.0F) << name_of(level);
    EXPECT_EQ(row.values, (std::vector<int>{1, -127, 64, 64, 0, -2, 0})) << name_of(level);
  }
}

TEST(Int8KvWrite, StoresARowOfZerosAsScaleZero) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    const StoredRow row = stored(select_kernels(level), {0.0F, -0.0F, 0.0F});
    EXPECT_EQ(row.scale, 0.0F);
    EXPECT_EQ(row.values, (std::vector<int>{0, 0, 0}));
  }
}

TEST(Int8KvWrite, ClampsToAScaleThatIsGiven) {
  const Tensor scale = scales_of({0.5F});
  for (const IsaLevel level : available_levels(cpu_features())) {
    const StoredRow row =
        stored(select_kernels(level), {1.0F, -0.25F, 63.0F, 64.0F, -1e9F, 0.75F}, {scale.view(), {}});
    EXPECT_EQ(row.scale, 0.5F);
    EXPECT_EQ(row.values, (std::vector<int>{2, 0, 126, 127, -127, 2})) << name_of(level);
  }
}

TEST(Int8KvWrite, MarksARowThatIsNotFiniteByItsScale) {
  const Tensor given = scales_of({0.5F});
  for (const IsaLevel level : available_levels(cpu_features())) {
    for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
      for (const CacheScales& scales : {CacheScales{}, CacheScales{given.view(), given.view()}}) {
        for (const size_t place : {size_t{0}, size_t{19}}) {
          std::vector<float> x(20, 1.0F);
          x[place] = bad;
          const StoredRow row = stored(select_kernels(level), x, scales);
          EXPECT_TRUE(std::isnan(row.scale)) << name_of(level) << ' ' << bad;
          EXPECT_EQ(row.values, std::vector<int>(20, 0)) << name_of(level) << ' ' << bad;
        }
      }
    }
  }
}

/// Rows of every size: each token's are larger than those before it, from numbers below the normal ones up to
/// the largest.
AttentionCase rows_of_every_size(const AttentionCase::Shape4& shape) {
  AttentionCase sample(DType::kI8, DType::kF32, {{40, 1}, {17, 1}}, shape, 0, 3);
  const int64_t width = shape.kv_heads * shape.head_dim;
  for (int64_t t = 0; t < 57; ++t) {
    for (int64_t i = 0; i < width; ++i) {
      sample.k.as<float>()[t * width + i] *= std::ldexp(1.0F, static_cast<int>(4 * t) - 148);
      sample.v.as<float>()[t * width + i] *= std::ldexp(1.0F, 20 - static_cast<int>(t));
    }
  }
  return sample;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.view().data, b.view().data, b.view().bytes()) == 0;
}

TEST(Int8KvWrite, StoresTheBitsOfTheReferenceAtEveryLevel) {
  std::mt19937 random(8);
  const std::vector<AttentionCase::Shape4> shapes = {{1, 1, 1, 16},  {2, 2, 6, 32},  {3, 3, 20, 16},
                                                     {4, 4, 64, 48}, {2, 2, 80, 16}, {5, 5, 128, 64},
                                                     {1, 1, 264, 16}};
  for (const AttentionCase::Shape4& shape : shapes) {
    const Tensor one = scales_of({0.037F});
    Tensor each(DType::kF32, {shape.kv_heads});
    for (int64_t h = 0; h < shape.kv_heads; ++h) each.as<float>()[h] = 0.01F * static_cast<float>(h + 1);
    for (const CacheScales& scales :
         {CacheScales{}, CacheScales{one.view(), one.view()}, CacheScales{each.view(), one.view()}}) {
      AttentionCase expected = rows_of_every_size(shape);
      KvWriteArgs args = expected.write_args();
      args.scales = scales;
      run_lanes(select_kernels(IsaLevel::kPortable).kv_write, args, 1);
      for (const IsaLevel level : available_levels(cpu_features())) {
        AttentionCase found = rows_of_every_size(shape);
        args = found.write_args();
        args.scales = scales;
        run_lanes(select_kernels(level).kv_write, args, 3);
        EXPECT_TRUE(same_bytes(found.k_cache, expected.k_cache)) << name_of(level) << ' ' << shape.head_dim;
        EXPECT_TRUE(same_bytes(found.v_cache, expected.v_cache)) << name_of(level) << ' ' << shape.head_dim;
      }
    }
  }
}

TEST(Int8KvWrite, IsWithinHalfAStepOfWhatItStores) {
  AttentionCase sample(DType::kI8, DType::kF32, {{30, 1}}, {2, 2, 24, 32}, 0, 4);
  run_lanes(select_kernels(IsaLevel::kPortable).kv_write, sample.write_args(), 1);
  for (int64_t t = 0; t < 30; ++t) {
    for (int64_t head = 0; head < 2; ++head) {
      const StoredRow row = row_at(sample.k_cache, 0, head, t);
      for (int64_t i = 0; i < 24; ++i) {
        const float x = sample.k.as<float>()[(t * 2 + head) * 24 + i];
        EXPECT_NEAR(static_cast<float>(row.values.at(static_cast<size_t>(i))) * row.scale, x,
                    0.5001F * row.scale);
      }
    }
  }
}

TEST(Int8Attention, AttendsToRowsOfGivenScalesAsToAnyOther) {
  const Tensor scale = scales_of({0.02F, 0.03F});
  AttentionCase sample(DType::kI8, DType::kF32, {{70, 70}, {9, 1}}, {4, 2, 20, 32}, 0, 5);
  KvWriteArgs write = sample.write_args();
  write.scales = {scale.view(), scale.view()};
  run_lanes(select_kernels(IsaLevel::kPortable).kv_write, write, 1);
  run_lanes(select_kernels(IsaLevel::kPortable).attention, sample.args(), 1);
  const std::vector<double> expected = values_of(sample.y_tensor);
  for (const IsaLevel level : available_levels(cpu_features())) {
    run_lanes(select_kernels(level).attention, sample.args(), 2);
    const std::vector<double> found = values_of(sample.y_tensor);
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(found[i], expected[i], 4e-6) << name_of(level) << ' ' << i;
  }
}

TEST(Int8Attention, ShowsARowThatIsNotFiniteToThoseThatAttendToItAndToNoOther) {
  constexpr int64_t kPosition = 20;
  constexpr int64_t kWindow = 50;
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    // With one KV head the rows are tiles', with two each is alone.
    for (const int64_t kv_heads : {1, 2}) {
      for (const bool in_keys : {true, false}) {
        AttentionCase sample(DType::kI8, DType::kF32, {{120, 120}}, {2, kv_heads, 16, 128}, kWindow, 6);
        const Tensor& input = in_keys ? sample.k : sample.v;
        for (int64_t head = 0; head < kv_heads; ++head)
          input.as<float>()[(kPosition * kv_heads + head) * 16 + 3] = kInfinity;
        run_lanes(table.kv_write, sample.write_args(), 1);
        run_lanes(table.attention, sample.args(), 1);
        for (int64_t row = 0; row < 120; ++row) {
          const bool attends = row >= kPosition && row < kPosition + kWindow;
          EXPECT_EQ(std::isnan(sample.y_tensor.as<float>()[row * 32]), attends)
              << name_of(level) << ' ' << row;
        }
      }
    }
  }
}

}  // namespace
}  // namespace caravan
