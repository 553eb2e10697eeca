#include "quantize/quantized_matrix.h"

#include <algorithm>

#include "checkpoint/round_to_nearest.h"
#include "checkpoint/threads.h"

namespace caravan {

namespace {

/// Outputs that one thread does at a time.
constexpr int64_t kRowsAtOnce = 16;

/// Calls work(first, count) for all rows, on every core.
template <typename Work>
void for_each_rows(int64_t rows, const Work& work) {
  for_each_in_parallel(static_cast<size_t>((rows + kRowsAtOnce - 1) / kRowsAtOnce), [&](size_t item) {
    const int64_t first = static_cast<int64_t>(item) * kRowsAtOnce;
    work(first, std::min(kRowsAtOnce, rows - first));
  });
}

}  // namespace

QuantizedMatrix::QuantizedMatrix(const WeightQuant& weight_quant, int64_t outputs, int64_t inputs)
    : quant(weight_quant), out(outputs), in(inputs) {
  values.resize(static_cast<size_t>(out * in));
  scales.resize(static_cast<size_t>(out * groups_of(quant, in)));
  if (quant.zero_points) zeros.resize(scales.size());
}

QuantizedRows QuantizedMatrix::rows_from(int64_t row) {
  const int64_t group = row * groups_of(quant, in);
  return {values.data() + row * in, scales.data() + group, zeros.empty() ? nullptr : zeros.data() + group};
}

Tensor QuantizedMatrix::dequantized() const {
  Tensor tensor(DType::kF32, {out, in});
  const int64_t groups = groups_of(quant, in);
  const int64_t width = in / groups;
  for_each_rows(out, [&](int64_t first, int64_t count) {
    for (int64_t g = first * groups; g < (first + count) * groups; ++g) {
      const auto group = static_cast<size_t>(g);
      const int zero = zeros.empty() ? 0 : zeros[group];
      const int8_t* from = values.data() + g * width;
      float* to = tensor.as<float>() + g * width;
      for (int64_t i = 0; i < width; ++i) to[i] = scales[group] * static_cast<float>(from[i] - zero);
    }
  });
  return tensor;
}

QuantizedWeight as_weight(const QuantizedMatrix& matrix, const std::string& name, const RowQuant& rows,
                          DType scale) {
  QuantizedWeight weight = {name, matrix.quant, rows, scale, matrix.out, matrix.in, {}};
  weight.read = [&matrix](int64_t first, int64_t count, const QuantizedRows& to) {
    const int64_t groups = groups_of(matrix.quant, matrix.in);
    const int64_t group = first * groups;
    std::copy_n(matrix.values.data() + first * matrix.in, count * matrix.in, to.values);
    std::copy_n(matrix.scales.data() + group, count * groups, to.scales);
    if (to.zeros != nullptr) std::copy_n(matrix.zeros.data() + group, count * groups, to.zeros);
  };
  return weight;
}

QuantizedMatrix rounded(const TensorView& weights, const WeightQuant& quant, DType scale) {
  QuantizedMatrix matrix(quant, weights.shape[0], weights.shape[1]);
  for_each_rows(matrix.out, [&](int64_t first, int64_t count) {
    round_to_nearest(weights.as<float>() + first * matrix.in, count, matrix.in, quant, scale,
                     matrix.rows_from(first));
  });
  return matrix;
}

}  // namespace caravan
