// What packed linear makes of its sums, whatever the weight is: the epilogue and the rounding to y.
// Thread safety: pure functions.
#pragma once

#include <cmath>

#include "kernels/reference/load_store.h"
#include "ops/packed_linear.h"

namespace caravan::reference {

/// Element `column` of row `token` of y, where sum(token, o) is the sum of output `o`, bias included.
template <typename Sum>
double packed_value(const PackedLinearArgs& args, int64_t token, int64_t column, const Sum& sum) {
  if (args.epilogue == Epilogue::kSiluMul) {
    const int64_t o = column / kInterleave * kPanelOutputs + column % kInterleave;
    const double gate = sum(token, o);
    return gate / (1.0 + std::exp(-gate)) * sum(token, o + kInterleave);
  }
  const double value = sum(token, column);
  if (args.epilogue == Epilogue::kNone) return value;
  return value + load<float>(args.residual.data, token * args.y.shape[1] + column);
}

/// Writes the lane's part of y.
template <typename Sum>
void write_packed(const PackedLinearArgs& args, Lane lane, const Sum& sum) {
  const int64_t width = args.y.shape[1];
  const Range part = share_of(width, lane);
  for (int64_t token = 0; token < args.x.shape[0]; ++token) {
    for (int64_t column = part.begin; column < part.end; ++column) {
      const double value = packed_value(args, token, column, sum);
      if (args.y.dtype == DType::kF32) {
        store<float>(args.y.data, token * width + column, value);
      } else {
        store<BFloat16>(args.y.data, token * width + column, value);
      }
    }
  }
}

}  // namespace caravan::reference
