// The shape and dtype checks of every op, in the order of the kernel table. They abort, because only a bug in
// the graph or its binding can make one fail: what comes from files and users was checked when it was read.
#include <initializer_list>

#include "base/error.h"
#include "ops/kernel_table.h"

namespace caravan {

namespace {

void expect(const char* name, const ConstTensorView& view, const Shape& shape,
            std::initializer_list<DType> dtypes) {
  bool known = false;
  for (const DType dtype : dtypes) known = known || view.dtype == dtype;
  if (!known || view.shape != shape || (view.data == nullptr && shape.elements() != 0)) {
    detail::check_failed(__FILE__, __LINE__, name,
                         std::string(name_of(view.dtype)) + " " + view.shape.to_string() + ", expected " +
                             std::string(name_of(*dtypes.begin())) + " " + shape.to_string());
  }
}

constexpr std::initializer_list<DType> kStorage = {DType::kF32, DType::kF16, DType::kBF16};
constexpr std::initializer_list<DType> kCache = {DType::kF32, DType::kF16, DType::kBF16, DType::kI8};
constexpr std::initializer_list<DType> kActivation = {DType::kF32, DType::kBF16};
constexpr std::initializer_list<DType> kFloat = {DType::kF32};
constexpr std::initializer_list<DType> kIndex = {DType::kI32};
constexpr std::initializer_list<DType> kBytes = {DType::kU8};

/// The size of the outermost axis of a tensor that must have `rank` axes.
int64_t rows_of(const ConstTensorView& view, size_t rank) {
  CARAVAN_CHECK_EQ(view.shape.rank(), rank);
  return view.shape[0];
}

void check(const TokenPlaces& places, int64_t tokens) {
  expect("positions", places.positions, {tokens}, kIndex);
  expect("sequences", places.sequences, {tokens}, kIndex);
  expect("block_table", places.block_table, {rows_of(places.block_table, 2), places.block_table.shape[1]},
         kIndex);
}

void check_caches(const ConstTensorView& k_cache, const ConstTensorView& v_cache) {
  const KvLayout layout = kv_layout_of(k_cache);
  CARAVAN_CHECK(layout.head_dim > 0);
  if (layout.has_scales()) CARAVAN_CHECK_EQ(layout.block_size % kScaledSlots, 0);
  expect("k_cache", k_cache, layout.shape(), kCache);
  expect("v_cache", v_cache, layout.shape(), {k_cache.dtype});
}

void check(const CacheScales& scales, const KvLayout& layout) {
  for (const ConstTensorView& given : {scales.k, scales.v}) {
    if (given.data == nullptr) continue;
    CARAVAN_CHECK(layout.has_scales());
    expect("scales", given, {rows_of(given, 1) == 1 ? 1 : layout.kv_heads}, kFloat);
  }
}

}  // namespace

void check(const EmbeddingArgs& args) {
  const int64_t tokens = rows_of(args.ids, 1);
  const int64_t vocab = rows_of(args.table, 2);
  expect("ids", args.ids, {tokens}, kIndex);
  expect("table", args.table, {vocab, args.table.shape[1]}, kStorage);
  expect("y", args.y, {tokens, args.table.shape[1]}, kFloat);
}

void check(const LinearArgs& args) {
  const int64_t tokens = rows_of(args.x, 2);
  const int64_t out = rows_of(args.weight, 2);
  const int64_t in = args.x.shape[1];
  expect("weight", args.weight, {out, in}, kStorage);
  expect("x", args.x, {tokens, in}, {args.weight.dtype == DType::kBF16 ? DType::kBF16 : DType::kF32});
  if (args.bias.data != nullptr) expect("bias", args.bias, {out}, kFloat);
  expect("y", args.y, {tokens, out}, kFloat);
}

void check(const PackedLinearArgs& args) {
  const int64_t tokens = rows_of(args.x, 2);
  const bool quantized = is_quantized(args);
  const bool rows_quantized = quantized && args.format.rows.mode != ActivationQuant::kNone;
  const int64_t in = quantized ? args.in : args.x.shape[1];
  const bool halves = args.epilogue == Epilogue::kSiluMul;
  CARAVAN_CHECK_EQ(args.y.shape.rank(), 2U);
  const int64_t width = args.y.shape[1];
  const int64_t groups = (width + kInterleave - 1) / kInterleave;
  const int64_t out = halves ? groups * kPanelOutputs : width;
  const DType order = quantized ? args.format.order : args.weight.dtype;
  if (quantized) {
    CARAVAN_CHECK_EQ(rows_quantized, order == DType::kI8);
    CARAVAN_CHECK(!rows_quantized || (args.format.weight.group == 0 && !args.format.weight.zero_points &&
                                      args.format.weight.bits == 8 && in <= kMaxQuantizedInputs));
    CARAVAN_CHECK(!rows_quantized || !args.format.weight.minimums);
    CARAVAN_CHECK(args.format.row_kept == 0 || can_be_sparse(args.format));
    expect("weight", args.weight, quantized_shape(out, in, args.format), {blob_dtype(args.format)});
  } else {
    expect("weight", args.weight, panel_shape(out, in, args.weight.dtype), kStorage);
  }
  if (rows_quantized) {
    expect("x", args.x, {tokens, quantized_row_bytes(in)}, {DType::kU8});
  } else {
    expect("x", args.x, {tokens, in}, {order == DType::kBF16 ? DType::kBF16 : DType::kF32});
  }
  if (args.bias.data != nullptr) expect("bias", args.bias, {out}, kFloat);
  if (args.epilogue == Epilogue::kResidual) expect("residual", args.residual, {tokens, out}, kFloat);
  expect("y", args.y, {tokens, width}, halves ? kActivation : kFloat);
}

void check(const RmsNormArgs& args) {
  const int64_t tokens = rows_of(args.x, 2);
  const int64_t hidden = args.x.shape[1];
  expect("x", args.x, {tokens, hidden}, kFloat);
  expect("weight", args.weight, {hidden}, kFloat);
  const bool quantizes = args.rows.mode != ActivationQuant::kNone;
  expect("y", args.y, {tokens, quantizes ? quantized_row_bytes(hidden) : hidden},
         quantizes ? kBytes : kActivation);
}

void check(const AddRmsNormArgs& args) {
  const Shape shape = {rows_of(args.x, 2), args.x.shape[1]};
  expect("x", args.x, shape, kFloat);
  expect("residual", args.residual, shape, kFloat);
  expect("weight", args.weight, {shape[1]}, kFloat);
  expect("sum", args.sum, shape, kFloat);
  expect("y", args.y, shape, kActivation);
}

void check(const RopeAnglesArgs& args) {
  const int64_t tokens = rows_of(args.positions, 1);
  const int64_t sequences = rows_of(args.frequencies, 2);
  expect("positions", args.positions, {tokens}, kIndex);
  expect("sequences", args.sequences, {tokens}, kIndex);
  expect("frequencies", args.frequencies, {sequences, args.frequencies.shape[1]}, kFloat);
  expect("angles", args.angles, {tokens, 2 * args.frequencies.shape[1]}, kFloat);
}

void check(const RopeArgs& args) {
  const int64_t tokens = rows_of(args.x, 2);
  const int64_t width = args.x.shape[1];
  CARAVAN_CHECK_EQ(rows_of(args.angles, 2), tokens);
  CARAVAN_CHECK_EQ(width % args.angles.shape[1], 0);
  expect("x", args.x, {tokens, width}, kFloat);
  expect("angles", args.angles, {tokens, args.angles.shape[1]}, kFloat);
  expect("y", args.y, {tokens, width}, kFloat);
}

void check(const KvWriteArgs& args) {
  const int64_t tokens = rows_of(args.k, 2);
  check_caches(args.k_cache, args.v_cache);
  const KvLayout layout = kv_layout_of(args.k_cache);
  const int64_t width = layout.kv_heads * layout.head_dim;
  expect("k", args.k, {tokens, width}, kFloat);
  expect("v", args.v, {tokens, width}, kFloat);
  check(args.places, tokens);
  check(args.scales, layout);
}

void check(const RopeKvWriteArgs& args) {
  const int64_t tokens = rows_of(args.y, 2);
  check_caches(args.k_cache, args.v_cache);
  const KvLayout layout = kv_layout_of(args.k_cache);
  const auto expect_columns = [tokens](const ConstColumnsView& view, int64_t columns) {
    CARAVAN_CHECK_EQ(view.rows, tokens);
    CARAVAN_CHECK_EQ(view.columns, columns);
  };
  CARAVAN_CHECK_EQ(args.y.shape[1] % layout.head_dim, 0);
  expect_columns(args.q, args.y.shape[1]);
  expect_columns(args.k, layout.kv_heads * layout.head_dim);
  expect_columns(args.v, args.k.columns);
  expect("angles", args.angles, {tokens, layout.head_dim}, kFloat);
  check(args.places, tokens);
  check(args.scales, layout);
  expect("y", args.y, {tokens, args.y.shape[1]}, kFloat);
}

void check(const AttentionArgs& args) {
  const int64_t tokens = rows_of(args.q, 2);
  check_caches(args.k_cache, args.v_cache);
  const KvLayout layout = kv_layout_of(args.k_cache);
  CARAVAN_CHECK_EQ(args.q.shape[1] % (layout.kv_heads * layout.head_dim), 0);
  CARAVAN_CHECK(args.window >= 0);
  expect("q", args.q, {tokens, args.q.shape[1]}, kFloat);
  check(args.places, tokens);
  expect("y", args.y, args.q.shape, kActivation);
  if (args.scratch.data != nullptr) expect("scratch", args.scratch, {rows_of(args.scratch, 1)}, kFloat);
}

void check(const SiluMulArgs& args) {
  const Shape shape = {rows_of(args.gate, 2), args.gate.shape[1]};
  expect("gate", args.gate, shape, kFloat);
  expect("up", args.up, shape, kFloat);
  expect("y", args.y, shape, kActivation);
}

void check(const AddArgs& args) {
  const Shape shape = {rows_of(args.a, 2), args.a.shape[1]};
  expect("a", args.a, shape, kFloat);
  expect("b", args.b, shape, kFloat);
  expect("y", args.y, shape, kFloat);
}

void check(const TakeRowsArgs& args) {
  expect("rows", args.rows, {rows_of(args.rows, 1)}, kIndex);
  if (args.x.dtype == DType::kI32) {
    expect("x", args.x, {rows_of(args.x, 1)}, kIndex);
    expect("y", args.y, args.rows.shape, kIndex);
    return;
  }
  const int64_t tokens = rows_of(args.x, 2);
  expect("x", args.x, {tokens, args.x.shape[1]}, {DType::kF32, DType::kBF16, DType::kU8});
  expect("y", args.y, {args.rows.shape[0], args.x.shape[1]}, {args.x.dtype});
}

void check(const QuantizeRowsArgs& args) {
  const int64_t tokens = rows_of(args.x, 2);
  CARAVAN_CHECK(args.rows.mode != ActivationQuant::kNone);
  expect("x", args.x, {tokens, args.x.shape[1]}, kActivation);
  expect("y", args.y, {tokens, quantized_row_bytes(args.x.shape[1])}, kBytes);
}

void check(const RouteExpertsArgs& args) {
  const int64_t tokens = rows_of(args.logits, 2);
  const int64_t chosen = args.experts.shape[1];
  CARAVAN_CHECK(chosen >= 1 && chosen <= args.logits.shape[1]);
  expect("logits", args.logits, {tokens, args.logits.shape[1]}, kFloat);
  expect("sequences", args.sequences, {tokens}, kIndex);
  expect("experts", args.experts, {tokens, chosen}, kIndex);
  expect("weights", args.weights, {tokens, chosen}, kFloat);
}

void check(const GroupRowsArgs& args) {
  const Shape shape = {rows_of(args.experts, 2), args.experts.shape[1]};
  expect("experts", args.experts, shape, kIndex);
  CARAVAN_CHECK(rows_of(args.offsets, 1) > 1);
  expect("offsets", args.offsets, {args.offsets.shape[0]}, kIndex);
  expect("rows", args.rows, {shape.elements()}, kIndex);
  expect("places", args.places, shape, kIndex);
}

void check(const GroupedLinearArgs& args) {
  CARAVAN_CHECK(rows_of(args.offsets, 1) > 1);
  expect("offsets", args.offsets, {args.offsets.shape[0]}, kIndex);
  CARAVAN_CHECK_EQ(args.weight.shape[0] % experts_of(args), 0);
  CARAVAN_CHECK(args.epilogue != Epilogue::kResidual);
  // As if the first expert had every row.
  check(linear_of_expert(args, 0, 0, rows_of(args.x, 2)));
}

void check(const CombineExpertsArgs& args) {
  const Shape shape = {rows_of(args.residual, 2), args.residual.shape[1]};
  const Shape chosen = {shape[0], args.weights.shape[1]};
  expect("residual", args.residual, shape, kFloat);
  expect("grouped", args.grouped, {chosen.elements(), shape[1]}, kFloat);
  expect("weights", args.weights, chosen, kFloat);
  expect("places", args.places, chosen, kIndex);
  CARAVAN_CHECK_EQ(args.shared.data == nullptr, args.shared_gate.data == nullptr);
  if (args.shared.data != nullptr) {
    expect("shared", args.shared, shape, kFloat);
    expect("shared_gate", args.shared_gate, {shape[0], 1}, kFloat);
  }
  expect("y", args.y, shape, kFloat);
}

}  // namespace caravan
