// Packed linear with quantised weights.
#include <cmath>
#include <type_traits>

#include "kernels/reference/grouped.h"
#include "kernels/reference/packed_rows.h"
#include "kernels/reference/quantized_blob.h"
#include "kernels/reference/rows.h"

namespace caravan::reference {

namespace {

/// Weight [o, i] as what it is multiplied as: rounded to T once, or as it is where that is bf16, which holds
/// the numbers without their scale.
template <typename T>
double weight_at(QuantizedBlob& blob, int64_t o, int64_t i) {
  const int32_t number = blob.value(o, i) - blob.zero(o, i);
  const float scale = blob.scale(o, i);
  const float minimum = blob.minimum(o, i);
  if constexpr (std::is_same_v<T, BFloat16>)
    return static_cast<double>(scale) * number - static_cast<double>(minimum);
  const float exact = std::fma(scale, static_cast<float>(number), -minimum);
  return static_cast<double>(to_float(from_float<T>(exact)));
}

/// W8A16, W4A16: X is the input's element type, W what weights are multiplied as.
template <typename X, typename W>
void weight_only(const PackedLinearArgs& args, Lane lane) {
  QuantizedBlob blob(args);
  write_packed(args, lane, [&](int64_t token, int64_t o) {
    double sum = args.bias.data == nullptr ? 0.0 : load<float>(args.bias.data, o);
    for (int64_t i = 0; i < args.in; ++i)
      sum += load<X>(args.x.data, token * args.in + i) * weight_at<W>(blob, o, i);
    return sum;
  });
}

void weight_only_by_order(const PackedLinearArgs& args, Lane lane) {
  switch (args.format.order) {
    case DType::kF32:
      return weight_only<float, float>(args, lane);
    case DType::kF16:
      return weight_only<float, Half>(args, lane);
    default:
      return weight_only<BFloat16, BFloat16>(args, lane);
  }
}

/// Rounds to fp32: doubles hold the product or the sum of two fp32 numbers to so many bits that this is what
/// an fp32 operation gives, and no compiler fuses it with the next.
double rounded(double value) { return static_cast<double>(static_cast<float>(value)); }

/// W8A8, in the fp32 steps that the contract gives.
void both_quantized(const PackedLinearArgs& args, Lane lane) {
  QuantizedBlob blob(args);
  write_packed(args, lane, [&](int64_t token, int64_t o) {
    const uint8_t* x = args.x.as<uint8_t>() + token * args.x.shape[1];
    RowMeaning row;
    std::memcpy(&row, x + row_meaning_offset(args.in), sizeof row);
    int64_t sum = 0;
    for (int64_t i = 0; i < args.in; ++i) sum += (x[i] - row.zero) * blob.value(o, i);
    const double scale = rounded(static_cast<double>(row.scale) * static_cast<double>(blob.scale(o, 0)));
    const double scaled = rounded(rounded(static_cast<double>(sum)) * scale);
    return args.bias.data == nullptr ? scaled : rounded(scaled + load<float>(args.bias.data, o));
  });
}

}  // namespace

void add_quantized_matmul(KernelTable& table) {
  table.packed_linear.set(DType::kU8, weight_only_by_order, kLevel);
  table.packed_linear.set(DType::kI8, both_quantized, kLevel);
  table.grouped_linear.set(DType::kU8, grouped<weight_only_by_order>, kLevel);
  table.grouped_linear.set(DType::kI8, grouped<both_quantized>, kLevel);
}

}  // namespace caravan::reference
