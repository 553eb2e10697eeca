// Quantises the matrices that read one input, by the methods that the options ask for. Thread safety: none.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "quantize/plan.h"
#include "quantize/quantized_matrix.h"
#include "quantize/smoothing.h"

namespace caravan {

/// What became of a matrix.
struct MatrixResult {
  std::string name;
  std::optional<QuantizedFormat> format;  ///< nothing: stayed as it is
  /// How far its outputs on the calibration text are off, or without one its weights are: the root of the
  /// squares of all differences over those of all outputs (weights).
  double error = 0.0;
};

/// Takes a matrix that was quantised.
using MatrixSink = std::function<void(const QuantizedWeight& weight)>;

class GroupQuantizer {
 public:
  /// All must outlive it. `machine` is null where there is no text.
  GroupQuantizer(const SourceCheckpoint& source, const QuantizeOptions& options, const Smoothing& smoothing,
                 Machine* machine);

  /// Without a text: by the weights alone.
  [[nodiscard]] std::vector<MatrixResult> quantize(const PlannedGroup& group, const MatrixSink& sink) const;

  /// By its input too, fp32 [tokens, in]. `outputs` becomes what the group's matmuls give as they are now,
  /// with their biases: [tokens, out] each.
  [[nodiscard]] std::vector<MatrixResult> quantize(const PlannedGroup& group,
                                                   const std::vector<Tensor>& biases,
                                                   const ConstTensorView& x, const MatrixSink& sink,
                                                   std::vector<Tensor>& outputs) const;

 private:
  struct Inputs;

  [[nodiscard]] Tensor read(const PlannedMatrix& matrix) const;
  [[nodiscard]] Inputs inputs_of(const PlannedGroup& group, const ConstTensorView& x) const;
  /// The matrix in numbers; `inputs` may be null where no method needs them.
  [[nodiscard]] QuantizedMatrix numbers_of(const PlannedMatrix& matrix, Tensor weights,
                                           const Inputs* inputs) const;
  /// What `numbers`, which must outlive it, are to be written as.
  [[nodiscard]] QuantizedWeight written(const PlannedMatrix& matrix, const QuantizedMatrix& numbers,
                                        const RowQuant& rows) const;

  const SourceCheckpoint& source_;
  const QuantizeOptions& options_;
  const Smoothing& smoothing_;
  Machine* machine_;
};

}  // namespace caravan
