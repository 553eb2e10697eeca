// The ops that work on each token's row by itself.
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/reference/load_store.h"
#include "kernels/reference/quantize_row.h"
#include "kernels/reference/rotate.h"
#include "kernels/reference/rows.h"

namespace caravan::reference {

namespace {

/// Row `token` of `x` [tokens, hidden], normed, to that of `y` [tokens, hidden].
template <typename Y>
void norm_row(const void* x, const ConstTensorView& weight, float epsilon, int64_t token, void* y) {
  const int64_t hidden = weight.shape[0];
  double squares = 0.0;
  for (int64_t i = 0; i < hidden; ++i)
    squares += load<float>(x, token * hidden + i) * load<float>(x, token * hidden + i);
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(hidden) + static_cast<double>(epsilon));
  for (int64_t i = 0; i < hidden; ++i) {
    store<Y>(y, token * hidden + i, load<float>(x, token * hidden + i) * scale * load<float>(weight.data, i));
  }
}

template <typename Y>
void rms_norm(const RmsNormArgs& args, Lane lane) {
  const Range part = share_of(args.x.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token)
    norm_row<Y>(args.x.data, args.weight, args.epsilon, token, args.y.data);
}

void rms_norm_quantized(const RmsNormArgs& args, Lane lane) {
  const int64_t hidden = args.x.shape[1];
  const Range part = share_of(args.x.shape[0], lane);
  std::vector<float> normed(static_cast<size_t>(hidden));
  for (int64_t token = part.begin; token < part.end; ++token) {
    norm_row<float>(args.x.as<float>() + token * hidden, args.weight, args.epsilon, 0, normed.data());
    quantize_row(normed, args.rows, args.y.as<uint8_t>() + token * args.y.shape[1]);
  }
}

template <typename X>
void quantize_rows(const QuantizeRowsArgs& args, Lane lane) {
  const int64_t width = args.x.shape[1];
  const Range part = share_of(args.x.shape[0], lane);
  std::vector<float> row(static_cast<size_t>(width));
  for (int64_t token = part.begin; token < part.end; ++token) {
    for (int64_t i = 0; i < width; ++i)
      row[static_cast<size_t>(i)] = to_float(args.x.as<X>()[token * width + i]);
    quantize_row(row, args.rows, args.y.as<uint8_t>() + token * args.y.shape[1]);
  }
}

template <typename Y>
void add_rms_norm(const AddRmsNormArgs& args, Lane lane) {
  const int64_t hidden = args.x.shape[1];
  const Range part = share_of(args.x.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token) {
    for (int64_t i = token * hidden; i < (token + 1) * hidden; ++i)
      store<float>(args.sum.data, i, load<float>(args.x.data, i) + load<float>(args.residual.data, i));
    norm_row<Y>(args.sum.data, args.weight, args.epsilon, token, args.y.data);
  }
}

void rope_angles(const RopeAnglesArgs& args, Lane lane) {
  const int64_t half = args.frequencies.shape[1];
  const auto* positions = args.positions.as<int32_t>();
  const auto* sequences = args.sequences.as<int32_t>();
  const auto* frequencies = args.frequencies.as<float>();  // [sequences, half]
  auto* angles = args.angles.as<float>();                  // [tokens, 2 * half]
  const Range part = share_of(args.positions.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token) {
    float* row = angles + token * 2 * half;
    for (int64_t i = 0; i < half; ++i) {
      row[i] = 0.0F;
      row[half + i] = 0.0F;
      if (sequences[token] < 0) continue;
      const float angle = static_cast<float>(positions[token]) * frequencies[sequences[token] * half + i];
      row[i] = static_cast<float>(std::cos(static_cast<double>(angle)) * static_cast<double>(args.scale));
      row[half + i] =
          static_cast<float>(std::sin(static_cast<double>(angle)) * static_cast<double>(args.scale));
    }
  }
}

void rope(const RopeArgs& args, Lane lane) {
  const int64_t head_dim = args.angles.shape[1];
  const int64_t half = head_dim / 2;
  const int64_t heads = args.x.shape[1] / head_dim;
  const Range part = share_of(args.x.shape[0] * heads, lane);
  for (int64_t item = part.begin; item < part.end; ++item) {
    const float* angles = args.angles.as<float>() + item / heads * head_dim;
    const float* x = args.x.as<float>() + item * head_dim;
    float* y = args.y.as<float>() + item * head_dim;
    rotate(x, angles, y, half);
  }
}

template <typename Y>
void silu_mul(const SiluMulArgs& args, Lane lane) {
  const Range part = share_of(args.y.shape.elements(), lane);
  for (int64_t i = part.begin; i < part.end; ++i) {
    const double gate = load<float>(args.gate.data, i);
    store<Y>(args.y.data, i, gate / (1.0 + std::exp(-gate)) * load<float>(args.up.data, i));
  }
}

void add(const AddArgs& args, Lane lane) {
  const Range part = share_of(args.y.shape.elements(), lane);
  for (int64_t i = part.begin; i < part.end; ++i) {
    store<float>(args.y.data, i, load<float>(args.a.data, i) + load<float>(args.b.data, i));
  }
}

void take_rows(const TakeRowsArgs& args, Lane lane) {
  const int64_t width = args.x.shape.rank() == 1 ? 1 : args.x.shape[1];
  const int64_t bytes = width * static_cast<int64_t>(size_of(args.x.dtype));
  const auto* rows = args.rows.as<int32_t>();
  const Range part = share_of(args.rows.shape[0], lane);
  for (int64_t r = part.begin; r < part.end; ++r) {
    CARAVAN_CHECK(rows[r] >= 0 && rows[r] < args.x.shape[0]);
    std::memcpy(static_cast<char*>(args.y.data) + r * bytes,
                static_cast<const char*>(args.x.data) + rows[r] * bytes, static_cast<size_t>(bytes));
  }
}

}  // namespace

void add_row_wise(KernelTable& table) {
  table.rms_norm.set(DType::kF32, rms_norm<float>, kLevel);
  table.rms_norm.set(DType::kBF16, rms_norm<BFloat16>, kLevel);
  table.rms_norm.set(DType::kU8, rms_norm_quantized, kLevel);
  table.add_rms_norm.set(DType::kF32, add_rms_norm<float>, kLevel);
  table.add_rms_norm.set(DType::kBF16, add_rms_norm<BFloat16>, kLevel);
  table.rope_angles.set(DType::kF32, rope_angles, kLevel);
  table.rope.set(DType::kF32, rope, kLevel);
  table.silu_mul.set(DType::kF32, silu_mul<float>, kLevel);
  table.silu_mul.set(DType::kBF16, silu_mul<BFloat16>, kLevel);
  table.add.set(DType::kF32, add, kLevel);
  table.take_rows.set(DType::kF32, take_rows, kLevel);
  table.take_rows.set(DType::kBF16, take_rows, kLevel);
  table.take_rows.set(DType::kU8, take_rows, kLevel);
  table.take_rows.set(DType::kI32, take_rows, kLevel);
  table.quantize_rows.set(DType::kF32, quantize_rows<float>, kLevel);
  table.quantize_rows.set(DType::kBF16, quantize_rows<BFloat16>, kLevel);
}

}  // namespace caravan::reference
