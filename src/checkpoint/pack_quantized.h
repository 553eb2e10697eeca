// Lays quantised matrices out in panels (tensor/quantization.h) while they are read.
// Thread safety: pure functions; each call starts and joins threads of its own.
#pragma once

#include <functional>
#include <vector>

#include "checkpoint/quantized_weight.h"
#include "tensor/view.h"

namespace caravan {

/// Writes the numbers of rows `first` to `first` + `count` - 1 of source `source`, one below the other.
/// Called from several threads at once.
using ReadQuantized =
    std::function<void(int64_t source, int64_t first, int64_t count, const QuantizedRows& rows)>;

/// Fills `blob`, of quantized_shape(), from sources of so many rows each: one below the other, or by turns
/// kInterleave of each of two. Scales must be exact in the format's scale dtype.
void pack_quantized(const std::vector<int64_t>& source_rows, bool interleaved, int64_t in,
                    const QuantizedFormat& format, const ReadQuantized& read, const TensorView& blob);

}  // namespace caravan
