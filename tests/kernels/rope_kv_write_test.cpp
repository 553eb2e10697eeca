// rope_kv_write against rope and kv_write, one after the other, at every level: the same bits.
#include <gtest/gtest.h>

#include "kernels/op_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::index_tensor;
using test::random_tensor;
using test::run_lanes;
using test::values_of;

std::vector<uint8_t> bytes_of(const Tensor& tensor) {
  const auto* bytes = static_cast<const uint8_t*>(tensor.view().data);
  return {bytes, bytes + tensor.view().bytes()};
}

struct Sizes {
  int64_t heads;
  int64_t kv_heads;
  int64_t head_dim;
};

struct Outputs {
  Tensor q;
  Tensor k_cache;
  Tensor v_cache;
};

/// Tokens of two sequences and a padding row.
class RopeKvWrite : public testing::TestWithParam<Sizes> {
 protected:
  static constexpr int64_t kTokens = 7;
  static constexpr int64_t kBlockSize = 16;

  RopeKvWrite() : random_(11), angles_(random_tensor(DType::kF32, {kTokens, sizes_.head_dim}, random_)) {
    qkv_ = random_tensor(DType::kF32, {kTokens, (sizes_.heads + 2 * sizes_.kv_heads) * sizes_.head_dim},
                         random_);
  }

  [[nodiscard]] int64_t q_width() const { return sizes_.heads * sizes_.head_dim; }
  [[nodiscard]] int64_t kv_width() const { return sizes_.kv_heads * sizes_.head_dim; }
  [[nodiscard]] TokenPlaces places() const { return {positions_.view(), sequences_.view(), table_.view()}; }
  [[nodiscard]] Outputs outputs(DType cache) const {
    const Shape shape = KvLayout{cache, 4, sizes_.kv_heads, kBlockSize, sizes_.head_dim}.shape();
    return {Tensor(DType::kF32, {kTokens, q_width()}), Tensor(cache, shape), Tensor(cache, shape)};
  }
  /// The columns `begin` to `begin + count` - 1 of all three, as a tensor of their own.
  [[nodiscard]] Tensor columns(int64_t begin, int64_t count) const {
    Tensor part(DType::kF32, {kTokens, count});
    const ConstColumnsView view(qkv_.view(), begin, count);
    for (int64_t t = 0; t < kTokens; ++t) std::copy_n(view.row(t), count, part.as<float>() + t * count);
    return part;
  }
  [[nodiscard]] Outputs one_by_one(const KernelTable& table, DType cache) const {
    Outputs result = outputs(cache);
    const Tensor q = columns(0, q_width());
    const Tensor k = columns(q_width(), kv_width());
    const Tensor v = columns(q_width() + kv_width(), kv_width());
    run_lanes(table.rope, {q.view(), angles_.view(), result.q.view()}, 1);
    run_lanes(table.rope, {k.view(), angles_.view(), k.view()}, 1);
    run_lanes(table.kv_write, {k.view(), v.view(), places(), result.k_cache.view(), result.v_cache.view()},
              1);
    return result;
  }

  Sizes sizes_ = GetParam();
  std::mt19937 random_;
  Tensor angles_;
  Tensor qkv_;
  Tensor positions_ = index_tensor({0, 1, 15, 16, 17, 5, 0}, {kTokens});
  Tensor sequences_ = index_tensor({0, 0, 0, 0, 1, 1, -1}, {kTokens});
  Tensor table_ = index_tensor({2, 0, 3, 1}, {2, 2});
};

TEST_P(RopeKvWrite, GivesTheBitsOfRopeAndKvWriteAtEveryLevel) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    for (const DType cache : {DType::kF32, DType::kF16, DType::kBF16, DType::kI8}) {
      const Outputs expected = one_by_one(table, cache);
      for (const int lanes : {1, 2, 5}) {
        const Outputs found = outputs(cache);
        RopeKvWriteArgs args;
        args.q = {qkv_.view(), 0, q_width()};
        args.k = {qkv_.view(), q_width(), kv_width()};
        args.v = {qkv_.view(), q_width() + kv_width(), kv_width()};
        args.angles = angles_.view();
        args.places = places();
        args.k_cache = found.k_cache.view();
        args.v_cache = found.v_cache.view();
        args.y = found.q.view();
        run_lanes(table.rope_kv_write, args, lanes);
        EXPECT_EQ(values_of(found.q), values_of(expected.q)) << name_of(level);
        EXPECT_EQ(bytes_of(found.k_cache), bytes_of(expected.k_cache)) << name_of(level);
        EXPECT_EQ(bytes_of(found.v_cache), bytes_of(expected.v_cache)) << name_of(level);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, RopeKvWrite,
                         testing::Values(Sizes{1, 1, 2}, Sizes{4, 2, 14}, Sizes{8, 1, 64}, Sizes{3, 3, 128},
                                         Sizes{2, 1, 512}),
                         [](const auto& test) {
                           return std::to_string(test.param.heads) + "x" +
                                  std::to_string(test.param.kv_heads) + "x" +
                                  std::to_string(test.param.head_dim);
                         });

}  // namespace
}  // namespace caravan
