// Which experts a token is sent to, how rows are grouped by expert, and what is made of the experts' results.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/op_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::index_tensor;
using test::run_lanes;
using test::values_of;

const KernelTable& portable() {
  static const KernelTable kTable = select_kernels(IsaLevel::kPortable);
  return kTable;
}

std::vector<int32_t> ints_of(const Tensor& tensor) {
  const auto* values = tensor.as<int32_t>();
  return {values, values + tensor.shape().elements()};
}

Tensor floats(const std::vector<float>& values, const Shape& shape) {
  Tensor tensor(DType::kF32, shape);
  std::copy(values.begin(), values.end(), tensor.as<float>());
  return tensor;
}

struct Routed {
  std::vector<int32_t> experts;
  std::vector<double> weights;
};

/// `logits` of two tokens over four experts, of which two are chosen.
Routed route(const std::vector<float>& logits, const std::vector<int32_t>& sequences, bool renormalize,
             int lanes = 1) {
  const Tensor given = floats(logits, {2, 4});
  const Tensor of = index_tensor(sequences, {2});
  const Tensor experts(DType::kI32, {2, 2});
  const Tensor weights(DType::kF32, {2, 2});
  run_lanes(portable().route_experts, {given.view(), of.view(), renormalize, experts.view(), weights.view()},
            lanes);
  return {ints_of(experts), values_of(weights)};
}

constexpr double kClose = 1e-7;

TEST(RouteExperts, ChoosesTheLargestFromTheLargestDown) {
  const Routed found = route({0.0F, 3.0F, 1.0F, 2.0F, 5.0F, -1.0F, 7.0F, 6.0F}, {0, 0}, false, 3);
  EXPECT_EQ(found.experts, (std::vector<int32_t>{1, 3, 2, 3}));
  const double sum = 1.0 + std::exp(3.0) + std::exp(1.0) + std::exp(2.0);
  EXPECT_NEAR(found.weights[0], std::exp(3.0) / sum, kClose);
  EXPECT_NEAR(found.weights[1], std::exp(2.0) / sum, kClose);
}

TEST(RouteExperts, LetsTheWeightsAddUpTo1WhereTheyAreRenormalised) {
  const Routed found = route({0.0F, 3.0F, 1.0F, 2.0F, 500.0F, -1.0F, 700.0F, 600.0F}, {0, 0}, true);
  EXPECT_EQ(found.experts, (std::vector<int32_t>{1, 3, 2, 3}));
  EXPECT_NEAR(found.weights[0], 1.0 / (1.0 + std::exp(-1.0)), kClose);
  EXPECT_NEAR(found.weights[0] + found.weights[1], 1.0, kClose);
  EXPECT_EQ(found.weights[2], 1.0);
  EXPECT_EQ(found.weights[3], static_cast<double>(std::exp(-100.0F)));
}

TEST(RouteExperts, TakesTheLowerOfEqualExperts) {
  const Routed found = route({1.0F, 1.0F, 1.0F, 1.0F, 0.0F, 2.0F, 0.0F, 2.0F}, {0, 0}, false);
  EXPECT_EQ(found.experts, (std::vector<int32_t>{0, 1, 1, 3}));
}

TEST(RouteExperts, SendsPaddingNowhere) {
  const Routed found = route({1.0F, 2.0F, 3.0F, 4.0F, 1.0F, 2.0F, 3.0F, 4.0F}, {-1, 5}, true);
  EXPECT_EQ(found.experts, (std::vector<int32_t>{-1, -1, 3, 2}));
  EXPECT_EQ(found.weights[0], 0.0);
  EXPECT_EQ(found.weights[1], 0.0);
}

TEST(RouteExperts, ChoosesExpertsThatThereAreEvenOfNaN) {
  const float nan = std::nanf("");
  const Routed found = route({nan, nan, nan, nan, 1.0F, nan, 3.0F, nan}, {0, 0}, true);
  EXPECT_EQ(found.experts[0], 0);
  EXPECT_EQ(found.experts[1], 1);
  for (const int32_t expert : found.experts) EXPECT_TRUE(expert >= 0 && expert < 4);
}

struct Grouped {
  std::vector<int32_t> offsets;
  std::vector<int32_t> rows;
  std::vector<int32_t> places;
};

Grouped group(const std::vector<int32_t>& experts, int64_t tokens, int64_t of, int lanes = 1) {
  const auto entries = static_cast<int64_t>(experts.size());
  const Shape shape = {tokens, entries / tokens};
  const Tensor given = index_tensor(experts, shape);
  const Tensor offsets(DType::kI32, {of + 1});
  const Tensor rows = index_tensor(std::vector<int32_t>(experts.size(), -7), {entries});
  const Tensor places(DType::kI32, shape);
  run_lanes(portable().group_rows, {given.view(), offsets.view(), rows.view(), places.view()}, lanes);
  return {ints_of(offsets), ints_of(rows), ints_of(places)};
}

TEST(GroupRows, LaysRowsOutExpertByExpertInTheOrderOfTheTokens) {
  const Grouped found = group({2, 0, 0, 2, 3, 2}, 3, 5, 4);
  EXPECT_EQ(found.offsets, (std::vector<int32_t>{0, 2, 2, 5, 6, 6}));
  EXPECT_EQ(found.rows, (std::vector<int32_t>{0, 1, 0, 1, 2, 2}));
  EXPECT_EQ(found.places, (std::vector<int32_t>{2, 0, 1, 3, 5, 4}));
}

TEST(GroupRows, GivesPaddingNoRow) {
  const Grouped found = group({-1, -1, 1, 0, -1, -1}, 3, 2);
  EXPECT_EQ(found.offsets, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(found.rows, (std::vector<int32_t>{1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(found.places, (std::vector<int32_t>{-1, -1, 1, 0, -1, -1}));
}

TEST(GroupRows, TakesAllTokensToOneExpert) {
  const Grouped found = group({1, 1, 1}, 3, 3);
  EXPECT_EQ(found.offsets, (std::vector<int32_t>{0, 0, 3, 3}));
  EXPECT_EQ(found.rows, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(found.places, (std::vector<int32_t>{0, 1, 2}));
}

/// Three tokens of two experts each, the last one padding.
struct CombineCase {
  explicit CombineCase(int64_t hidden)
      : random(static_cast<unsigned>(hidden)),
        residual(test::random_tensor(DType::kF32, {3, hidden}, random)),
        grouped(test::random_tensor(DType::kF32, {6, hidden}, random)),
        weights(floats({0.75F, 0.25F, 0.5F, 0.125F, 0.0F, 0.0F}, {3, 2})),
        places(index_tensor({2, 0, 1, 3, -1, -1}, {3, 2})),
        shared(test::random_tensor(DType::kF32, {3, hidden}, random)),
        gate(floats({-3.0F, 0.5F, 0.0F}, {3, 1})),
        y(DType::kF32, {3, hidden}) {
    // What no token reads.
    std::fill_n(grouped.as<float>() + 4 * hidden, 2 * hidden, std::nanf(""));
  }

  CombineExpertsArgs args(bool with_shared) {
    CombineExpertsArgs all = {residual.view(), grouped.view(), weights.view(), places.view(), {}, {},
                              y.view()};
    if (with_shared) {
      all.shared = shared.view();
      all.shared_gate = gate.view();
    }
    return all;
  }

  std::mt19937 random;
  Tensor residual;
  Tensor grouped;
  Tensor weights;
  Tensor places;
  Tensor shared;
  Tensor gate;
  Tensor y;
};

TEST(CombineExperts, AddsWhatExpertsMadeToTheResidualAtEveryLevel) {
  for (const int64_t hidden : {1, 7, 64, 131}) {
    for (const bool with_shared : {false, true}) {
      CombineCase sample(hidden);
      const std::vector<double> residual = values_of(sample.residual);
      const std::vector<double> grouped = values_of(sample.grouped);
      const std::vector<double> shared = values_of(sample.shared);
      for (const IsaLevel level : available_levels(cpu_features())) {
        run_lanes(select_kernels(level).combine_experts, sample.args(with_shared), 2);
        const std::vector<double> found = values_of(sample.y);
        for (size_t i = 0; i < static_cast<size_t>(hidden); ++i) {
          const auto width = static_cast<size_t>(hidden);
          const auto gated = [&](size_t token, double gate) {
            return with_shared ? shared[token * width + i] / (1.0 + std::exp(-gate)) : 0.0;
          };
          EXPECT_NEAR(found[i],
                      residual[i] + 0.75 * grouped[2 * width + i] + 0.25 * grouped[i] + gated(0, -3.0), 2e-6)
              << name_of(level);
          EXPECT_NEAR(
              found[width + i],
              residual[width + i] + 0.5 * grouped[width + i] + 0.125 * grouped[3 * width + i] + gated(1, 0.5),
              2e-6)
              << name_of(level);
          EXPECT_NEAR(found[2 * width + i], residual[2 * width + i] + gated(2, 0.0), 2e-6) << name_of(level);
        }
      }
    }
  }
}

TEST(CombineExperts, MayWriteOverTheResidual) {
  for (const IsaLevel level : available_levels(cpu_features())) {
    const KernelTable table = select_kernels(level);
    CombineCase sample(37);
    run_lanes(table.combine_experts, sample.args(true), 1);
    CombineExpertsArgs args = sample.args(true);
    args.y = sample.residual.view();
    run_lanes(table.combine_experts, args, 3);
    EXPECT_EQ(values_of(sample.residual), values_of(sample.y)) << name_of(level);
  }
}

}  // namespace
}  // namespace caravan
