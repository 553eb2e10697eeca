#include "quantize/group_quantizer.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "quantize/activation_range.h"
#include "quantize/gptq.h"
#include "quantize/hessian.h"
#include "quantize/sparsity.h"

namespace caravan {

namespace {

/// Squares that are summed in fp32 before the sum goes on in double.
constexpr int64_t kSummedTogether = 4096;

/// The root of the squares of all `a` - `b` over those of all `a`; 0 where those are 0.
double relative_difference(const ConstTensorView& a, const ConstTensorView& b) {
  const auto* x = a.as<float>();
  const auto* y = b.as<float>();
  const int64_t count = a.shape.elements();
  double squares = 0.0;
  double differences = 0.0;
  for (int64_t begin = 0; begin < count; begin += kSummedTogether) {
    float some_squares = 0.0F;
    float some_differences = 0.0F;
    for (int64_t i = begin; i < std::min(begin + kSummedTogether, count); ++i) {
      some_squares += x[i] * x[i];
      some_differences += (x[i] - y[i]) * (x[i] - y[i]);
    }
    squares += some_squares;
    differences += some_differences;
  }
  return squares == 0.0 ? 0.0 : std::sqrt(differences / squares);
}

/// The norm of each input over the tokens of x, [in].
std::vector<float> norms_of(const ConstTensorView& x) {
  const int64_t in = x.shape[1];
  std::vector<double> squares(static_cast<size_t>(in));
  const auto* values = x.as<float>();
  for (int64_t t = 0; t < x.shape[0]; ++t) {
    for (int64_t i = 0; i < in; ++i) {
      const double value = values[t * in + i];
      squares[static_cast<size_t>(i)] += value * value;
    }
  }
  std::vector<float> norms;
  norms.reserve(squares.size());
  for (const double square : squares) norms.push_back(static_cast<float>(std::sqrt(square)));
  return norms;
}

/// What rows that are quantised so stand for, [tokens, width].
Tensor as_quantized(const ConstTensorView& x, const RowQuant& rows, Machine& machine) {
  const int64_t tokens = x.shape[0];
  const int64_t width = x.shape[1];
  const Tensor bytes(DType::kU8, {tokens, quantized_row_bytes(width)});
  machine.run(QuantizeRowsArgs{x, rows, bytes.view()});
  Tensor meant(DType::kF32, {tokens, width});
  for (int64_t t = 0; t < tokens; ++t) {
    const uint8_t* from = bytes.as<uint8_t>() + t * quantized_row_bytes(width);
    RowMeaning meaning;
    std::memcpy(&meaning, from + row_meaning_offset(width), sizeof meaning);
    float* to = meant.as<float>() + t * width;
    for (int64_t i = 0; i < width; ++i)
      to[i] = meaning.scale * static_cast<float>(static_cast<int32_t>(from[i]) - meaning.zero);
  }
  return meant;
}

}  // namespace

/// What methods want to know of a group's input.
struct GroupQuantizer::Inputs {
  RowQuant rows;
  std::optional<Tensor> quantized;  ///< x as its rows are quantised; nothing where they are not
  std::vector<float> norms;         ///< [in]; empty where Wanda is not asked
  std::optional<Tensor> factor;     ///< inverse_factor(); nothing without GPTQ
};

GroupQuantizer::GroupQuantizer(const SourceCheckpoint& source, const QuantizeOptions& options,
                               const Smoothing& smoothing, Machine* machine)
    : source_(source), options_(options), smoothing_(smoothing), machine_(machine) {}

Tensor GroupQuantizer::read(const PlannedMatrix& matrix) const {
  Tensor weights = source_.read(source_.find(matrix.spec));
  smoothing_.apply(matrix.name, weights.view());
  return weights;
}

GroupQuantizer::Inputs GroupQuantizer::inputs_of(const PlannedGroup& group, const ConstTensorView& x) const {
  Inputs inputs;
  inputs.rows = options_.scheme.rows;
  if (inputs.rows.mode == ActivationQuant::kStatic) {
    const auto count = static_cast<size_t>(x.shape.elements());
    inputs.rows = static_rows({x.as<float>(), count}, options_.range);
  }
  if (inputs.rows.mode != ActivationQuant::kNone) inputs.quantized = as_quantized(x, inputs.rows, *machine_);
  const bool wanda =
      options_.sparsity != Sparsity::kNone && options_.sparsity_method == SparsityMethod::kWanda;
  if (wanda) inputs.norms = norms_of(x);
  const auto uses_gptq = [](const PlannedMatrix& matrix) { return matrix.format.has_value(); };
  if (options_.gptq && std::any_of(group.matrices.begin(), group.matrices.end(), uses_gptq))
    inputs.factor = inverse_factor(products_of(x, *machine_), kGptqDamping);
  return inputs;
}

QuantizedMatrix GroupQuantizer::numbers_of(const PlannedMatrix& matrix, Tensor weights,
                                           const Inputs* inputs) const {
  const WeightQuant& quant = matrix.format->weight;
  const DType scale = matrix.format->scale;
  std::vector<uint8_t> pruned;
  if (options_.sparsity != Sparsity::kNone) {
    const std::vector<float> none;
    pruned = least_important(weights.view(), inputs == nullptr ? none : inputs->norms, options_.sparsity);
  }
  if (inputs != nullptr && inputs->factor)
    return gptq(weights.view(), inputs->factor->view(), quant, scale, pruned);
  for (size_t i = 0; i < pruned.size(); ++i)
    if (pruned[i] != 0) weights.as<float>()[i] = 0.0F;
  return rounded(weights.view(), quant, scale);
}

QuantizedWeight GroupQuantizer::written(const PlannedMatrix& matrix, const QuantizedMatrix& numbers,
                                        const RowQuant& rows) const {
  QuantizedWeight weight = as_weight(numbers, matrix.name, rows, matrix.format->scale);
  if (options_.sparsity != Sparsity::kNone) weight.row_kept = kept_inputs(weight.in, options_.sparsity);
  return weight;
}

std::vector<MatrixResult> GroupQuantizer::quantize(const PlannedGroup& group, const MatrixSink& sink) const {
  std::vector<MatrixResult> results;
  for (const PlannedMatrix& matrix : group.matrices) {
    results.push_back({matrix.name, matrix.format});
    if (!matrix.format) continue;
    const QuantizedMatrix numbers = numbers_of(matrix, read(matrix), nullptr);
    results.back().error = relative_difference(read(matrix).view(), numbers.dequantized().view());
    sink(written(matrix, numbers, matrix.format->rows));
  }
  return results;
}

std::vector<MatrixResult> GroupQuantizer::quantize(const PlannedGroup& group,
                                                   const std::vector<Tensor>& biases,
                                                   const ConstTensorView& x, const MatrixSink& sink,
                                                   std::vector<Tensor>& outputs) const {
  const Inputs inputs = inputs_of(group, x);
  const ConstTensorView taken = inputs.quantized ? ConstTensorView(inputs.quantized->view()) : x;
  std::vector<MatrixResult> results;
  for (size_t i = 0; i < group.matrices.size(); ++i) {
    const PlannedMatrix& matrix = group.matrices[i];
    const ConstTensorView bias = biases[i].view();
    results.push_back({matrix.name, matrix.format});
    Tensor weights = read(matrix);
    Tensor exact = machine_->multiply(x, weights.view(), bias);
    if (!matrix.format) {
      outputs.push_back(std::move(exact));
      continue;
    }
    const QuantizedMatrix numbers = numbers_of(matrix, std::move(weights), &inputs);
    outputs.push_back(machine_->multiply(taken, numbers.dequantized().view(), bias));
    results.back().error = relative_difference(exact.view(), outputs.back().view());
    results.back().format->rows = inputs.rows;
    sink(written(matrix, numbers, inputs.rows));
  }
  return results;
}

}  // namespace caravan
