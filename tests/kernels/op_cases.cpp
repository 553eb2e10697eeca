#include "kernels/op_cases.h"

#include <cmath>
#include <cstring>

namespace caravan::test {

Tensor random_tensor(DType dtype, const Shape& shape, std::mt19937& random, float scale) {
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (float& value : values) value = normal(random);
  Tensor tensor(dtype, shape);
  if (!values.empty()) convert_elements(values.data(), DType::kF32, tensor.view().data, dtype, values.size());
  return tensor;
}

Tensor index_tensor(const std::vector<int32_t>& values, const Shape& shape) {
  Tensor tensor(DType::kI32, shape);
  if (!values.empty()) std::memcpy(tensor.view().data, values.data(), values.size() * sizeof(int32_t));
  return tensor;
}

std::vector<double> values_of(const Tensor& tensor) {
  const auto count = static_cast<size_t>(tensor.shape().elements());
  std::vector<float> floats(count);
  if (count != 0) convert_elements(tensor.view().data, tensor.dtype(), floats.data(), DType::kF32, count);
  return {floats.begin(), floats.end()};
}

LinearCase::LinearCase(DType dtype, int64_t tokens, int64_t in, int64_t out, bool with_bias, unsigned seed)
    : has_bias(with_bias) {
  std::mt19937 random(seed);
  x = random_tensor(dtype == DType::kBF16 ? DType::kBF16 : DType::kF32, {tokens, in}, random);
  weight = random_tensor(dtype, {out, in}, random);
  bias = random_tensor(DType::kF32, {out}, random);
  y = Tensor(DType::kF32, {tokens, out});
}

LinearArgs LinearCase::args() {
  return {x.view(), weight.view(), has_bias ? ConstTensorView(bias.view()) : ConstTensorView(), y.view()};
}

namespace {

/// `weight` [out, in] in panels.
Tensor packed(const Tensor& weight) {
  const int64_t out = weight.shape()[0];
  const int64_t in = weight.shape()[1];
  const size_t size = size_of(weight.dtype());
  Tensor panels(weight.dtype(), panel_shape(out, in, weight.dtype()));
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      const auto to = static_cast<size_t>(panel_offset(panels.shape(), o, i));
      std::memcpy(static_cast<char*>(panels.view().data) + to * size,
                  static_cast<const char*>(weight.view().data) + static_cast<size_t>(o * in + i) * size,
                  size);
    }
  }
  return panels;
}

int64_t rows_for(int64_t out, Epilogue epilogue) {
  return epilogue == Epilogue::kSiluMul ? (out + kInterleave - 1) / kInterleave * kPanelOutputs : out;
}

}  // namespace

PackedCase::PackedCase(DType dtype, int64_t tokens, int64_t in, int64_t out, Epilogue after, unsigned seed)
    : plain(dtype, tokens, in, rows_for(out, after), seed % 2 == 0, seed),
      weight(packed(plain.weight)),
      epilogue(after) {
  std::mt19937 random(seed + 1);
  residual = random_tensor(DType::kF32, {tokens, out}, random);
  const bool halves = epilogue == Epilogue::kSiluMul;
  y = Tensor(halves && dtype == DType::kBF16 ? DType::kBF16 : DType::kF32, {tokens, out});
}

PackedLinearArgs PackedCase::args() {
  const LinearArgs from = plain.args();
  return {from.x, weight.view(), from.bias, residual.view(), y.view(), epilogue, {}};
}

void put_nan(const Tensor& tensor, int64_t element) {
  const size_t bytes = size_of(tensor.dtype());
  std::memset(static_cast<char*>(tensor.view().data) + static_cast<size_t>(element) * bytes, 0xFF, bytes);
}

double attention_bound(DType y) {
  return 4e-6 + (y == DType::kBF16 ? 4.0 * unit_roundoff(DType::kBF16) : 0.0);
}

AttentionCase::AttentionCase(DType cache, DType y, const std::vector<Sequence>& sequences,
                             const Shape4& shape, int64_t attended, unsigned seed)
    : window(attended) {
  std::mt19937 random(seed);
  int64_t longest = 0;
  int64_t positions = 0;
  for (const Sequence& sequence : sequences) {
    longest = std::max(longest, sequence.length);
    positions += sequence.length;
  }
  const auto count = static_cast<int64_t>(sequences.size());
  const int64_t columns = (longest + shape.block_size - 1) / shape.block_size;
  std::vector<int32_t> blocks;
  std::vector<int32_t> positions_of_all;
  std::vector<int32_t> sequences_of_all;
  std::vector<int32_t> asked_positions;
  std::vector<int32_t> asked_sequences;
  for (int64_t s = 0; s < count; ++s) {
    // Blocks in reverse, so that a kernel that takes them for consecutive is found out.
    for (int64_t c = 0; c < columns; ++c)
      blocks.push_back(static_cast<int32_t>(count * columns - 1 - s * columns - c));
    for (int64_t p = 0; p < sequences[static_cast<size_t>(s)].length; ++p) {
      positions_of_all.push_back(static_cast<int32_t>(p));
      sequences_of_all.push_back(static_cast<int32_t>(s));
      if (p < sequences[static_cast<size_t>(s)].length - sequences[static_cast<size_t>(s)].queries) continue;
      asked_positions.push_back(static_cast<int32_t>(p));
      asked_sequences.push_back(static_cast<int32_t>(s));
    }
  }
  // One padding row at the end.
  asked_positions.push_back(0);
  asked_sequences.push_back(-1);
  const auto queries = static_cast<int64_t>(asked_positions.size());
  q = random_tensor(DType::kF32, {queries, shape.heads * shape.head_dim}, random);
  k = random_tensor(DType::kF32, {positions, shape.kv_heads * shape.head_dim}, random);
  v = random_tensor(DType::kF32, {positions, shape.kv_heads * shape.head_dim}, random);
  // Slots that nothing was written to hold NaN, of int8 their scales: none may reach a result.
  const KvLayout layout = {cache, count * columns, shape.kv_heads, shape.block_size, shape.head_dim};
  for (Tensor* tensor : {&k_cache, &v_cache}) {
    *tensor = Tensor(cache, layout.shape());
    std::memset(tensor->view().data, 0xFF, tensor->view().bytes());
  }
  table = index_tensor(blocks, {count, columns});
  query_positions = index_tensor(asked_positions, {queries});
  query_sequences = index_tensor(asked_sequences, {queries});
  all_positions = index_tensor(positions_of_all, {positions});
  all_sequences = index_tensor(sequences_of_all, {positions});
  y_tensor = Tensor(y, {queries, shape.heads * shape.head_dim});
}

AttentionArgs AttentionCase::args() {
  const auto head_dim = static_cast<float>(kv_layout_of(k_cache.view()).head_dim);
  return {q.view(),
          {query_positions.view(), query_sequences.view(), table.view()},
          k_cache.view(),
          v_cache.view(),
          1.0F / std::sqrt(head_dim),
          window,
          y_tensor.view()};
}

KvWriteArgs AttentionCase::write_args() {
  return {k.view(),
          v.view(),
          {all_positions.view(), all_sequences.view(), table.view()},
          k_cache.view(),
          v_cache.view()};
}

AttentionArgs one_query(AttentionArgs args, int64_t row, const Tensor& y) {
  const int64_t width = args.q.shape[1];
  args.q = {args.q.as<float>() + row * width, DType::kF32, {1, width}};
  args.places.positions = {args.places.positions.as<int32_t>() + row, DType::kI32, {1}};
  args.places.sequences = {args.places.sequences.as<int32_t>() + row, DType::kI32, {1}};
  args.y = y.view();
  return args;
}

}  // namespace caravan::test
