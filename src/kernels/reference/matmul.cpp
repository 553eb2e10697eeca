// Embedding and linear, plain and packed: the ops that read weight matrices of floating-point numbers.
#include "kernels/reference/grouped.h"
#include "kernels/reference/load_store.h"
#include "kernels/reference/packed_rows.h"
#include "kernels/reference/rows.h"

namespace caravan::reference {

namespace {

template <typename T>
void embedding(const EmbeddingArgs& args, Lane lane) {
  const int64_t hidden = args.y.shape[1];
  const auto* ids = args.ids.as<int32_t>();
  auto* y = args.y.as<float>();  // [tokens, hidden]
  const Range part = share_of(args.ids.shape[0], lane);
  for (int64_t token = part.begin; token < part.end; ++token) {
    const int64_t row = ids[token];
    CARAVAN_CHECK(row >= -1 && row < args.table.shape[0]);
    for (int64_t i = 0; i < hidden; ++i) {
      y[token * hidden + i] = row < 0 ? 0.0F : static_cast<float>(load<T>(args.table.data, row * hidden + i));
    }
  }
}

/// X is the input's element type, W the weight's.
template <typename X, typename W>
void linear(const LinearArgs& args, Lane lane) {
  const int64_t tokens = args.x.shape[0];
  const int64_t in = args.x.shape[1];
  const int64_t out = args.weight.shape[0];
  const auto* bias = static_cast<const float*>(args.bias.data);
  auto* y = args.y.as<float>();  // [tokens, out]
  const Range part = share_of(out, lane);
  for (int64_t token = 0; token < tokens; ++token) {
    for (int64_t o = part.begin; o < part.end; ++o) {
      double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[o]);
      for (int64_t i = 0; i < in; ++i)
        sum += load<X>(args.x.data, token * in + i) * load<W>(args.weight.data, o * in + i);
      y[token * out + o] = static_cast<float>(sum);
    }
  }
}

/// The sum for output `o` of token `token`, bias included.
template <typename X, typename W>
double packed_sum(const PackedLinearArgs& args, int64_t token, int64_t o) {
  const int64_t in = args.x.shape[1];
  double sum = args.bias.data == nullptr ? 0.0 : load<float>(args.bias.data, o);
  for (int64_t i = 0; i < in; ++i) {
    sum += load<X>(args.x.data, token * in + i) *
           load<W>(args.weight.data, panel_offset(args.weight.shape, o, i));
  }
  return sum;
}

template <typename X, typename W>
void packed_linear(const PackedLinearArgs& args, Lane lane) {
  write_packed(args, lane, [&](int64_t token, int64_t o) { return packed_sum<X, W>(args, token, o); });
}

}  // namespace

void add_matmul(KernelTable& table) {
  table.embedding.set(DType::kF32, embedding<float>, kLevel);
  table.embedding.set(DType::kF16, embedding<Half>, kLevel);
  table.embedding.set(DType::kBF16, embedding<BFloat16>, kLevel);
  table.linear.set(DType::kF32, linear<float, float>, kLevel);
  table.linear.set(DType::kF16, linear<float, Half>, kLevel);
  table.linear.set(DType::kBF16, linear<BFloat16, BFloat16>, kLevel);
  table.packed_linear.set(DType::kF32, packed_linear<float, float>, kLevel);
  table.packed_linear.set(DType::kF16, packed_linear<float, Half>, kLevel);
  table.packed_linear.set(DType::kBF16, packed_linear<BFloat16, BFloat16>, kLevel);
  table.grouped_linear.set(DType::kF32, grouped<packed_linear<float, float>>, kLevel);
  table.grouped_linear.set(DType::kF16, grouped<packed_linear<float, Half>>, kLevel);
  table.grouped_linear.set(DType::kBF16, grouped<packed_linear<BFloat16, BFloat16>>, kLevel);
}

}  // namespace caravan::reference
