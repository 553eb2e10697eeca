// The stored tensors that a quantised matrix is made of, and the matrix that they become: what formats have
// in common. Thread safety: a part may be read from several threads at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "checkpoint/gguf/blocks.h"
#include "checkpoint/quantized_weight.h"
#include "checkpoint/stored_weight.h"

namespace caravan {

/// The tensors of a checkpoint by their names.
using StoredTensors = std::unordered_map<std::string, StoredWeight>;

/// A matrix and the names of the tensors that it is made of.
struct FoundWeight {
  QuantizedWeight weight;
  std::vector<std::string> parts;
};

/// More rows or columns than any matrix of a model has; of sizes up to it, products of three fit in 63 bits.
constexpr int64_t kMaxMatrixSide = int64_t{1} << 20U;

/// What a quantised matrix is read from.
struct MatrixParts {
  StoredWeight values;  ///< where the matrix's numbers are, for messages
  WeightQuant quant;
  RowQuant rows;
  int64_t out = 0;
  int64_t in = 0;
  /// Writes the numbers of outputs `first` to `first + count` - 1 to values[count, in].
  std::function<void(int64_t first, int64_t count, int8_t* values)> read_values;
  std::function<float(int64_t output, int64_t chunk)> scale;
  /// The minimum of [output, chunk]; nothing where there are none.
  std::function<float(int64_t output, int64_t chunk)> minimum;
  /// What those are multiplied by for [output, group]; nothing where groups are not of blocks.
  std::function<GroupMultiples(int64_t output, int64_t group)> multiples;
  DType scale_dtype = DType::kF32;  ///< that holds every scale and minimum
  /// The zero point of [output, group]; nothing where there are none.
  std::function<int8_t(int64_t output, int64_t group)> zero;
  int64_t row_kept = 0;              ///< as QuantizedWeight::row_kept
  std::vector<StoredWeight> stored;  ///< all that it is made of
  bool read_across = false;          ///< every output's numbers lie all over the tensor
};

/// Throws Error where sizes are beyond what Caravan computes with, or groups do not divide the inputs.
void require_sizes(const MatrixParts& parts);

/// The matrix `name` that `parts`, of sizes that were checked, are. Its read() lets the file's pages go once
/// they are read.
FoundWeight found_weight(const std::string& name, MatrixParts parts);

/// The tensor `name` of `module`, beside `values`. Throws Error if it is missing.
const StoredWeight& part_of(const StoredTensors& tensors, const std::string& module, const std::string& name,
                            const StoredWeight& values);

/// Throws Error unless the tensor is stored as one of `types` and of one of `shapes`.
void require_part(const StoredWeight& part, const std::vector<std::string>& types,
                  const std::vector<Shape>& shapes);

/// The sizes that `shape`, int64 or int32 [2], holds. Throws Error where it is not that, or sizes are not
/// those of a matrix.
std::pair<int64_t, int64_t> stored_shape(const StoredWeight& shape);

/// The types that scales are stored in.
const std::vector<std::string>& scale_types();

/// Where the number [output, group] of a stored tensor lies: at output * output_step + group * group_step.
struct PartSteps {
  int64_t output = 0;
  int64_t group = 0;
};

/// Element `index` of `scales`, of one of scale_types(). Throws Error where it is negative, infinite or NaN.
float scale_at(const StoredWeight& scales, int64_t index);

/// Makes `scales`, of one of scale_types(), those of `parts`.
void set_scales(MatrixParts& parts, const StoredWeight& scales, const PartSteps& steps);

}  // namespace caravan
