// Writes the numbers of a matrix without those that are 0, as checkpoint/bitmask_values.h says.
// Thread safety: none; the matrix is read on every core.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/output/shard_writer.h"
#include "checkpoint/quantized_weight.h"

namespace caravan {

/// Where a matrix is not 0.
struct Bitmask {
  std::vector<uint8_t> bits;     ///< [out, bitmask_bytes(in)]
  std::vector<int64_t> offsets;  ///< [out]: the numbers that are not 0 before each output's
  int64_t kept = 0;              ///< how many are not 0

  /// Whether the matrix takes fewer bytes without its zeros.
  [[nodiscard]] bool saves(const QuantizedWeight& weight) const;
};

/// Reads all of `weight`, of 8 bits without zero points, and its scales to `scales`, [out].
Bitmask bitmask_of(const QuantizedWeight& weight, std::vector<float>& scales);

/// The four tensors of `module`, whose matrix is read once more.
void write_without_zeros(ShardWriter& shards, const std::string& module, const QuantizedWeight& weight,
                         const Bitmask& bitmask);

}  // namespace caravan
