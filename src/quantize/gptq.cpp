#include "quantize/gptq.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "checkpoint/round_to_nearest.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace {

/// Outputs that one thread does together, so that each part of the factor is read once for all of them.
constexpr int64_t kRowsAtOnce = 32;

using BlockErrors = std::array<float, kGptqBlock>;

/// One output, on its way.
struct Row {
  float* weights;         ///< [in]
  const uint8_t* pruned;  ///< [in]; null for none
  QuantizedRows to;
};

/// The scale of the group that begins at input `i`, of weights that stay.
GroupMeaning begin_group(const Row& row, int64_t i, int64_t width, const WeightQuant& quant, DType scale) {
  std::vector<float> left(row.weights + i, row.weights + i + width);
  for (int64_t j = 0; row.pruned != nullptr && j < width; ++j)
    if (row.pruned[i + j] != 0) left[static_cast<size_t>(j)] = 0.0F;
  const GroupMeaning meaning = meaning_of(left.data(), width, quant, scale);
  row.to.scales[i / width] = meaning.scale;
  if (row.to.zeros != nullptr) row.to.zeros[i / width] = static_cast<int8_t>(meaning.zero);
  return meaning;
}

/// Rounds inputs `begin` to `end` - 1 of a row and returns each one's error over its place in the factor's
/// diagonal.
BlockErrors round_block(const Row& row, const float* factor, int64_t in, int64_t begin, int64_t end,
                        const WeightQuant& quant, DType scale) {
  const int64_t width = in / groups_of(quant, in);
  BlockErrors errors{};
  const int64_t group = begin / width;
  GroupMeaning meaning = {row.to.scales[group],
                          row.to.zeros == nullptr ? 0.0F : static_cast<float>(row.to.zeros[group])};
  for (int64_t i = begin; i < end; ++i) {
    if (i % width == 0) meaning = begin_group(row, i, width, quant, scale);
    const bool gone = row.pruned != nullptr && row.pruned[i] != 0;
    const float number = gone ? meaning.zero : nearest_number(row.weights[i], meaning, quant);
    row.to.values[i] = static_cast<int8_t>(number);
    const float* across = factor + i * in;
    const float error = (row.weights[i] - meaning.scale * (number - meaning.zero)) / across[i];
    for (int64_t j = i + 1; j < end; ++j) row.weights[j] -= error * across[j];
    errors[static_cast<size_t>(i - begin)] = error;
  }
  return errors;
}

}  // namespace

QuantizedMatrix gptq(const TensorView& weights, const ConstTensorView& factor, const WeightQuant& quant,
                     DType scale, const std::vector<uint8_t>& pruned) {
  CARAVAN_CHECK(quant.group == 0 || kGptqBlock % quant.group == 0);
  QuantizedMatrix matrix(quant, weights.shape[0], weights.shape[1]);
  const int64_t in = matrix.in;
  const auto* u = factor.as<float>();
  for_each_in_parallel(static_cast<size_t>((matrix.out + kRowsAtOnce - 1) / kRowsAtOnce), [&](size_t item) {
    const int64_t first = static_cast<int64_t>(item) * kRowsAtOnce;
    std::vector<Row> rows;
    for (int64_t r = first; r < std::min(first + kRowsAtOnce, matrix.out); ++r) {
      rows.push_back({weights.as<float>() + r * in, pruned.empty() ? nullptr : pruned.data() + r * in,
                      matrix.rows_from(r)});
    }
    for (int64_t begin = 0; begin < in; begin += kGptqBlock) {
      const int64_t end = std::min(begin + kGptqBlock, in);
      std::vector<BlockErrors> errors;
      errors.reserve(rows.size());
      for (const Row& row : rows) errors.push_back(round_block(row, u, in, begin, end, quant, scale));
      for (int64_t i = begin; i < end; ++i) {
        const float* across = u + i * in;
        for (size_t r = 0; r < rows.size(); ++r) {
          const float error = errors[r][static_cast<size_t>(i - begin)];
          for (int64_t j = end; j < in; ++j) rows[r].weights[j] -= error * across[j];
        }
      }
    }
  });
  return matrix;
}

}  // namespace caravan
