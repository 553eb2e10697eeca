// Which matrices of a model are quantised, and how: as its checkpoint has them, or as `--quantize` wants them
// rounded while they are loaded. Thread safety: pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/prune.h"
#include "graph/graph.h"

namespace caravan {

/// How weights are to be rounded to the nearest numbers while they are loaded.
struct LoadQuantization {
  WeightQuant weight;
  RowQuant rows;
  bool head = true;  ///< whether the matmul of the logits is quantised too: to 8 bits for each output
  /// What becomes 0 before, by magnitude, in every matrix that is quantised; of w8a8 only.
  Sparsity sparsity = Sparsity::kNone;
};

/// "w8a8", "w8a16", "w4a8", "w4a16".
std::string_view name_of(const LoadQuantization& scheme);

/// The scheme `name`: weights of w8 have 8 bits for each output, of w4 4 bits in groups of 128 inputs;
/// activations of a8 8 bits for each token, of a16 what they have. Nothing for any other name.
std::optional<LoadQuantization> quantization_from_name(std::string_view name);

/// "w8a8, per channel", "w4a16, groups of 128, zero points", "w8a8, per channel, static activations",
/// "w4a16, groups of 32, minimums, in blocks of 256".
std::string format_text(const QuantizedFormat& format);

/// As name_of(), or "w8a8 sparse": of most of `formats`, of which there is at least one.
std::string scheme_name(const std::map<std::string, QuantizedFormat>& formats);

/// The format of every matrix that `graph`, recorded without quantisation, multiplies by, under the first of
/// its names. What experts are chosen by stays as it is. `dtype` is that of the graph's weights. Throws
/// Error, naming the matrix, where groups do not divide its inputs.
std::map<std::string, QuantizedFormat> quantized_matrices(const Graph& graph, const LoadQuantization& scheme,
                                                          DType dtype);

}  // namespace caravan
