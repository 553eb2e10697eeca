// The matmuls of experts at every ISA level that this CPU has: each row as if its expert were alone.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "kernels/quantized_cases.h"
#include "kernels/select.h"

namespace caravan {
namespace {

using test::PackedCase;
using test::QuantizedCase;
using test::run_lanes;
using test::values_of;

/// `tensors`, alike, one after the other along the outermost axis.
Tensor joined(const std::vector<Tensor>& tensors) {
  const Shape& shape = tensors.front().shape();
  std::array<int64_t, kMaxRank> sizes{shape[0] * static_cast<int64_t>(tensors.size())};
  for (size_t axis = 1; axis < shape.rank(); ++axis) sizes.at(axis) = shape[axis];
  Tensor all(tensors.front().dtype(), Shape(sizes.data(), shape.rank()));
  auto* to = static_cast<char*>(all.view().data);
  for (const Tensor& tensor : tensors) {
    std::memcpy(to, tensor.view().data, tensor.view().bytes());
    to += tensor.view().bytes();
  }
  return all;
}

/// A grouped linear of experts that have so many rows each, and `unused` rows after them.
class ExpertsCase {
 public:
  /// Of floating weights.
  ExpertsCase(DType dtype, const std::vector<int64_t>& rows, int64_t in, int64_t out, Epilogue epilogue,
              unsigned seed, int64_t unused = 0) {
    set_offsets(rows, unused);
    std::vector<Tensor> weights;
    for (size_t e = 0; e < rows.size(); ++e)
      weights.push_back(PackedCase(dtype, 1, in, out, epilogue, seed + static_cast<unsigned>(e)).weight);
    weight_ = joined(weights);
    PackedCase all(dtype, rows_, in, out, epilogue, seed);
    x_ = std::move(all.plain.x);
    y_ = std::move(all.y);
    args_ = {x_.view(), weight_.view(), offsets_.view(), y_.view(), epilogue};
  }

  ExpertsCase(const QuantizedFormat& format, const std::vector<int64_t>& rows, int64_t in, int64_t out,
              Epilogue epilogue, unsigned seed, int64_t unused = 0) {
    set_offsets(rows, unused);
    std::vector<Tensor> weights;
    for (size_t e = 0; e < rows.size(); ++e)
      weights.push_back(QuantizedCase(format, 1, in, out, epilogue, seed + static_cast<unsigned>(e)).weight);
    weight_ = joined(weights);
    QuantizedCase all(format, rows_, in, out, epilogue, seed);
    x_ = std::move(all.x);
    y_ = std::move(all.y);
    args_ = {x_.view(), weight_.view(), offsets_.view(), y_.view(), epilogue, format, in};
  }

  [[nodiscard]] const GroupedLinearArgs& args() const { return args_; }

  /// What the kernels of `table` make of it.
  std::vector<double> run(const KernelTable& table, int lanes) {
    std::memset(y_.view().data, 0, y_.view().bytes());
    run_lanes(table.grouped_linear, args_, lanes);
    return values_of(y_);
  }

  /// What packed linear makes of each expert's rows.
  std::vector<double> run_packed(const KernelTable& table) {
    std::memset(y_.view().data, 0, y_.view().bytes());
    for (int64_t e = 0; e < experts_of(args_); ++e)
      run_lanes(table.packed_linear, linear_of_expert(args_, e), 1);
    return values_of(y_);
  }

 private:
  void set_offsets(const std::vector<int64_t>& rows, int64_t unused) {
    std::vector<int32_t> offsets = {0};
    for (const int64_t count : rows) offsets.push_back(offsets.back() + static_cast<int32_t>(count));
    rows_ = offsets.back() + unused;
    offsets_ = test::index_tensor(offsets, {static_cast<int64_t>(offsets.size())});
  }

  int64_t rows_ = 0;
  Tensor x_;
  Tensor weight_;
  Tensor offsets_;
  Tensor y_;
  GroupedLinearArgs args_;
};

/// Rows of each expert: one expert, one row, primes, none for some, all for one, none for anybody, more than
/// any block.
const std::vector<std::vector<int64_t>>& spreads() {
  static const std::vector<std::vector<int64_t>> kSpreads = {
      {1}, {1, 0, 1}, {3, 7, 0, 2, 5}, {0, 0, 37, 0}, {0, 0}, {17, 1, 101}, {0, 211, 64}};
  return kSpreads;
}

const QuantizedFormat kFormats[] = {
    {{8, 0, false}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8},
    {{8, 0, false}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8, 52},
    {{4, 8, false}, {ActivationQuant::kPerToken}, DType::kF32, DType::kI8},
    {{8, 0, false}, {}, DType::kF32, DType::kF32},
    {{4, 8, true}, {}, DType::kF16, DType::kF16},
    {{4, 4, false}, {}, DType::kBF16, DType::kBF16},
};

constexpr Epilogue kEpilogues[] = {Epilogue::kNone, Epilogue::kSiluMul};

class GroupedLinear : public testing::Test {
 protected:
  const std::vector<IsaLevel> levels_ = available_levels(cpu_features());
};

TEST_F(GroupedLinear, GivesEachExpertsRowsTheBitsOfPackedLinear) {
  unsigned seed = 1;
  for (const IsaLevel level : levels_) {
    const KernelTable table = select_kernels(level);
    for (const std::vector<int64_t>& rows : spreads()) {
      // The portable level takes its time.
      if (level == IsaLevel::kPortable && std::accumulate(rows.begin(), rows.end(), int64_t{0}) > 50)
        continue;
      for (const Epilogue epilogue : kEpilogues) {
        const int64_t out = std::array<int64_t, 5>{1, 31, 64, 67, 130}.at(seed % 5);
        const int lanes = 1 + static_cast<int>(seed % 3);
        for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
          const int64_t in = std::array<int64_t, 4>{1, 7, 33, 515}.at(seed % 4);
          ExpertsCase sample(dtype, rows, in, out, epilogue, seed++, 2);
          const std::vector<double> expected = sample.run_packed(table);
          ASSERT_EQ(sample.run(table, lanes), expected) << name_of(level) << ' ' << name_of(dtype) << ' '
                                                        << rows.size() << " experts, " << in << 'x' << out;
        }
        for (const QuantizedFormat& format : kFormats) {
          ExpertsCase sample(format, rows, 104, out, epilogue, seed++, 2);
          const std::vector<double> expected = sample.run_packed(table);
          ASSERT_EQ(sample.run(table, lanes), expected)
              << name_of(level) << ' ' << test::name_of(format) << ' ' << rows.size() << " experts, " << out;
        }
      }
    }
  }
}

TEST_F(GroupedLinear, IsCloseToTheReference) {
  const KernelTable reference = select_kernels(IsaLevel::kPortable);
  unsigned seed = 1;
  for (const std::vector<int64_t>& rows : spreads()) {
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      const int64_t in = 131;
      ExpertsCase sample(dtype, rows, in, 67, Epilogue::kNone, seed++, 1);
      const std::vector<double> expected = sample.run(reference, 1);
      for (const IsaLevel level : levels_) {
        const std::vector<double> found = sample.run(select_kernels(level), 2);
        for (size_t i = 0; i < expected.size(); ++i) {
          // As packed linear's (packed_linear_test.cpp), products being of size 1, but six deviations of so
          // many values.
          ASSERT_NEAR(found[i], expected[i], 6.0 * unit_roundoff(DType::kF32) * (in + 4.0))
              << name_of(level) << ' ' << name_of(dtype) << ' ' << rows.size() << " experts";
        }
      }
    }
  }
}

TEST_F(GroupedLinear, GivesARowTheSameBitsWhereverItsExpertsOtherRowsAre) {
  for (const IsaLevel level : levels_) {
    const KernelTable table = select_kernels(level);
    ExpertsCase many(DType::kBF16, {40, 90, 3}, 515, 77, Epilogue::kNone, 5);
    const std::vector<double> all = many.run(table, 2);
    for (const int64_t row : {0, 39, 40, 100, 129, 132}) {
      // The row alone, for its expert.
      const int64_t expert = row < 40 ? 0 : row < 130 ? 1 : 2;
      const Tensor y(DType::kF32, {1, 77});
      std::vector<int32_t> alone = {0, 0, 0, 0};
      std::fill(alone.begin() + expert + 1, alone.end(), 1);
      const Tensor offsets = test::index_tensor(alone, {4});
      GroupedLinearArgs args = many.args();
      args.x = outer_part(args.x, row, 1);
      args.offsets = offsets.view();
      args.y = y.view();
      run_lanes(table.grouped_linear, args, 3);
      const auto begin = all.begin() + row * 77;
      ASSERT_EQ(values_of(y), std::vector<double>(begin, begin + 77)) << name_of(level) << " row " << row;
    }
  }
}

}  // namespace
}  // namespace caravan
