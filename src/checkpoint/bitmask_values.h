// The numbers of a matrix as compressed-tensors' "sparse-bitmask" stores them, without those that are 0:
//
//     MODULE.shape        int64 [2]: outputs and inputs
//     MODULE.bitmask      uint8 [out, (in + 7) / 8]: bit i % 8 of byte i / 8 is set where number i is stored
//     MODULE.row_offsets  int64 [out]: which of the stored numbers is the first of each output
//     MODULE.compressed   [stored]: the numbers, output after output
//
// Reference: compressed_tensors.compressors.sparse_compressors.sparse_bitmask of the compressed-tensors
// package up to 0.13; 0.20 still names the format, but no longer reads it.
// Thread safety: what is read from may be read from several threads at once.
#pragma once

#include "checkpoint/matrix_parts.h"

namespace caravan {

/// Bytes of an output's bits.
constexpr int64_t bitmask_bytes(int64_t in) { return (in + 7) / 8; }

/// Makes `parts` read from `compressed`, int8, and from what stands beside it. Throws Error, naming file and
/// tensor, where one is missing or of a wrong type or shape, and where offsets do not begin at 0 and rise by
/// at most `in`. Reading throws it where an output has as many bits as it has not numbers, or one beyond
/// `in`.
void set_bitmask(MatrixParts& parts, const std::string& module, const StoredWeight& compressed,
                 const StoredTensors& tensors);

}  // namespace caravan
