// Quantised weights with random numbers, packed into blobs by the formulas of tensor/quantization.h, and the
// packed linear ops that multiply by them.
// Invariants: the same seed makes the same inputs. Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "kernels/op_cases.h"
#include "tensor/quantization.h"

namespace caravan::test {

/// The numbers of a quantised [out, in] weight, as they stand in the contract.
struct QuantizedMatrix {
  int64_t out = 0;
  int64_t in = 0;
  std::vector<int32_t> values;  ///< [out, in]
  std::vector<float> scales;    ///< [out, chunks], exact in the format's dtype for them
  std::vector<int32_t> zeros;   ///< [out, groups], all 0 where there are no zero points
  std::vector<float> minimums;  ///< [out, chunks], all 0 where there are none
  // [out, groups], all 1 where groups are not of blocks:
  std::vector<int32_t> multiples;
  std::vector<int32_t> minimum_multiples;
};

/// Formats as GGUF's blocks have them, and others with minimums or blocks, in that order.
std::vector<QuantizedFormat> block_formats(DType order);

/// A number of inputs that chunks of the format divide.
int64_t some_inputs(const QuantizedFormat& format);

/// Of a sparse format no output has more than row_kept values that are not 0.
QuantizedMatrix random_matrix(const QuantizedFormat& format, int64_t out, int64_t in, std::mt19937& random);

/// Of output `o` of a lifted weight: its scale, and the factor of input i's group.
float lifted_scale(const QuantizedMatrix& matrix, const QuantizedFormat& format, int64_t o);
int32_t lifted_factor(const QuantizedMatrix& matrix, const QuantizedFormat& format, int64_t o, int64_t i);

/// The blob.
Tensor packed(const QuantizedMatrix& matrix, const QuantizedFormat& format);

/// Ordinary panels of format.order: scale * (value - zero), or scale * u - minimum in one step, in fp32,
/// rounded once.
Tensor expanded(const QuantizedMatrix& matrix, const QuantizedFormat& format);

/// Every mode of quantised rows in turn.
RowQuant rows_by_turns(unsigned seed);

/// The format that stores zeros too.
QuantizedFormat with_zeros(QuantizedFormat format);

/// Of the checkpoints that people have: "W4A16 group 128 asymmetric, bf16 scales, fp16 panels".
std::string name_of(const QuantizedFormat& format);

/// What a packed linear op with a quantised weight needs. With kSiluMul, `out` is the width of y.
struct QuantizedCase {
  QuantizedCase(const QuantizedFormat& format, int64_t tokens, int64_t in, int64_t out, Epilogue epilogue,
                unsigned seed);
  PackedLinearArgs args();
  /// With the expanded weight. Not where rows are quantised.
  PackedLinearArgs expanded_args();

  QuantizedFormat format;
  QuantizedMatrix matrix;
  Tensor x;       ///< fp32 or bf16 [tokens, in], or quantised rows
  Tensor weight;  ///< the blob
  Tensor panels;  ///< expanded; empty where rows are quantised
  Tensor bias;
  Tensor residual;
  Tensor y;
  Epilogue epilogue;
  bool has_bias;
};

}  // namespace caravan::test
