#include "graph/builder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "graph/edit.h"
#include "tensor/kv_layout.h"

namespace caravan {

namespace {

struct InputSpec {
  const char* name;
  DType dtype;
  Symbol rows;
  Symbol columns;  ///< kNone for none, or for a width that the recording gives
};

constexpr std::array<InputSpec, kInputCount> kInputs = {{
    {"token_ids", DType::kI32, Symbol::kTokens, Symbol::kNone},
    {"positions", DType::kI32, Symbol::kTokens, Symbol::kNone},
    {"sequences", DType::kI32, Symbol::kTokens, Symbol::kNone},
    {"block_table", DType::kI32, Symbol::kSequences, Symbol::kBlocksPerSequence},
    {"rope_frequencies", DType::kF32, Symbol::kSequences, Symbol::kNone},
    {"logit_rows", DType::kI32, Symbol::kLogitRows, Symbol::kNone},
}};

}  // namespace

GraphBuilder::GraphBuilder(Precision precision)
    : precision_(std::move(precision)), inputs_(kInputCount, -1) {}

ValueId GraphBuilder::input(InputKind kind) {
  ValueId& id = inputs_.at(static_cast<size_t>(kind));
  if (id < 0) {
    const InputSpec& spec = kInputs.at(static_cast<size_t>(kind));
    SymbolicShape shape = {{spec.rows, 0}};
    if (spec.columns != Symbol::kNone) shape.push_back({spec.columns, 0});
    id = add_value(graph_, {ValueKind::kInput, static_cast<int32_t>(kind), spec.name, spec.dtype, shape});
  }
  return id;
}

ValueId GraphBuilder::weight(const std::vector<std::string>& names, int64_t rows, int64_t width,
                             DType dtype) {
  const WeightSpec spec = {{{names, rows}}, width, dtype, WeightLayout::kRows};
  // Tied weights are asked for twice under the same names and are one value.
  for (size_t id = 0; id < graph_.values.size(); ++id) {
    const Value& value = graph_.values[id];
    if (value.kind != ValueKind::kWeight || value.name != names.front()) continue;
    CARAVAN_CHECK_EQ(shape_of(graph_.weights[static_cast<size_t>(value.index)]), shape_of(spec));
    return static_cast<ValueId>(id);
  }
  return add_weight(graph_, names.front(), spec);
}

ValueId GraphBuilder::cache(int32_t index, const AttentionSpec& spec) {
  const std::string name = (index % 2 == 0 ? "k_cache." : "v_cache.") + std::to_string(index / 2);
  const SymbolicShape shape = {{Symbol::kBlocks, 0},
                               fixed(spec.kv_heads),
                               {Symbol::kBlockSize, 0},
                               fixed(kv_slot_elements(spec.head_dim, precision_.kv_cache))};
  return add_value(graph_, {ValueKind::kCache, index, name, precision_.kv_cache, shape});
}

ValueId GraphBuilder::add_node(OpKind op, std::vector<ValueId> inputs, DType dtype, SymbolicShape shape,
                               Attributes attributes) {
  const ValueId output =
      add_value(graph_, {ValueKind::kIntermediate, 0, std::string(name_of(op)), dtype, std::move(shape)});
  graph_.nodes.push_back({op, std::move(inputs), {output}, attributes});
  return output;
}

int64_t GraphBuilder::width_of(ValueId x) const {
  const Dim& last = graph_.values.at(static_cast<size_t>(x)).shape.back();
  CARAVAN_CHECK(last.symbol == Symbol::kNone);
  return last.constant;
}

SymbolicShape GraphBuilder::rows_by(ValueId x, int64_t width) const {
  return {graph_.values.at(static_cast<size_t>(x)).shape.front(), fixed(width)};
}

Dim GraphBuilder::fixed(int64_t size) { return {Symbol::kNone, size}; }

DType GraphBuilder::matmul_input() const {
  return precision_.weights == DType::kBF16 ? DType::kBF16 : DType::kF32;
}

ValueId GraphBuilder::embedding(const std::vector<std::string>& names, int64_t vocab, int64_t hidden) {
  const ValueId table = weight(names, vocab, hidden, precision_.weights);
  return add_node(OpKind::kEmbedding, {input(InputKind::kTokenIds), table}, DType::kF32,
                  {{Symbol::kTokens, 0}, fixed(hidden)});
}

ValueId GraphBuilder::linear(ValueId x, const std::vector<std::string>& names, int64_t out,
                             const std::string& bias_name) {
  for (const std::string& name : names) {
    const auto quantized = precision_.quantized.find(name);
    if (quantized == precision_.quantized.end()) continue;
    const ValueId y = quantized_linear(x, names, out, quantized->second);
    if (!bias_name.empty()) graph_.nodes.back().inputs.push_back(weight({bias_name}, out, 0, DType::kF32));
    return y;
  }
  std::vector<ValueId> inputs = {x, weight(names, out, width_of(x), precision_.weights)};
  if (!bias_name.empty()) inputs.push_back(weight({bias_name}, out, 0, DType::kF32));
  return add_node(OpKind::kLinear, std::move(inputs), DType::kF32, rows_by(x, out));
}

ValueId GraphBuilder::quantized_linear(ValueId x, const std::vector<std::string>& names, int64_t out,
                                       const QuantizedFormat& format) {
  const int64_t in = width_of(x);
  const SymbolicShape shape = rows_by(x, out);
  if (format.rows.mode != ActivationQuant::kNone) x = quantize_rows(x, format.rows);
  // A weight of its own even where the names are those of an embedding, whose rows stay as they are.
  const WeightSpec spec = {{{names, out}}, in, blob_dtype(format), WeightLayout::kPanels, format};
  return add_node(OpKind::kPackedLinear, {x, add_weight(graph_, names.front(), spec)}, DType::kF32, shape,
                  {.format = format, .in = in});
}

ValueId GraphBuilder::quantize_rows(ValueId x, const RowQuant& rows) {
  for (const Node& node : graph_.nodes) {
    if (node.op == OpKind::kQuantizeRows && node.inputs.front() == x && node.attributes.rows == rows)
      return node.outputs.front();
  }
  return add_node(OpKind::kQuantizeRows, {x}, DType::kU8, rows_by(x, quantized_row_bytes(width_of(x))),
                  {.rows = rows});
}

void GraphBuilder::widen_what_is_quantized() {
  const Uses uses(graph_);
  for (const Node& node : graph_.nodes) {
    if (node.op != OpKind::kQuantizeRows) continue;
    const ValueId x = node.inputs.front();
    const std::vector<size_t>& readers = uses.readers(x);
    const bool quantized_only = std::all_of(readers.begin(), readers.end(), [this](size_t reader) {
      return graph_.nodes[reader].op == OpKind::kQuantizeRows;
    });
    if (quantized_only && uses.producer(x)) graph_.values[static_cast<size_t>(x)].dtype = DType::kF32;
  }
}

ValueId GraphBuilder::rms_norm(ValueId x, const std::string& name, double epsilon) {
  const ValueId scale = weight({name}, width_of(x), 0, DType::kF32);
  return add_node(OpKind::kRmsNorm, {x, scale}, matmul_input(), rows_by(x, width_of(x)),
                  {.epsilon = static_cast<float>(epsilon)});
}

ValueId GraphBuilder::rope_angles(int64_t head_dim, double scale) {
  const ValueId frequencies = input(InputKind::kRopeFrequencies);
  graph_.values[static_cast<size_t>(frequencies)].shape = {{Symbol::kSequences, 0}, fixed(head_dim / 2)};
  return add_node(OpKind::kRopeAngles,
                  {input(InputKind::kPositions), input(InputKind::kSequences), frequencies}, DType::kF32,
                  {{Symbol::kTokens, 0}, fixed(head_dim)}, {.scale = static_cast<float>(scale)});
}

ValueId GraphBuilder::rope(ValueId x, ValueId angles) {
  CARAVAN_CHECK_EQ(width_of(x) % width_of(angles), 0);
  return add_node(OpKind::kRope, {x, angles}, DType::kF32, rows_by(x, width_of(x)));
}

ValueId GraphBuilder::attention(ValueId q, ValueId k, ValueId v, const AttentionSpec& spec) {
  CARAVAN_CHECK_EQ(width_of(k), spec.kv_heads * spec.head_dim);
  CARAVAN_CHECK_EQ(width_of(v), width_of(k));
  CARAVAN_CHECK_EQ(width_of(q) % width_of(k), 0);
  const int32_t layer = graph_.num_layers++;
  const ValueId positions = input(InputKind::kPositions);
  const ValueId sequences = input(InputKind::kSequences);
  const ValueId table = input(InputKind::kBlockTable);
  const ValueId k_cache = cache(2 * layer, spec);
  const ValueId v_cache = cache(2 * layer + 1, spec);
  Node write = {OpKind::kKvWrite, {k, v, positions, sequences, table, k_cache, v_cache}};
  CARAVAN_CHECK_EQ(spec.k_scale.empty(), spec.v_scale.empty());
  if (!spec.k_scale.empty()) {
    CARAVAN_CHECK(precision_.kv_cache == DType::kI8);
    write.inputs.push_back(weight({spec.k_scale}, spec.scale_rows, 0, DType::kF32));
    write.inputs.push_back(weight({spec.v_scale}, spec.scale_rows, 0, DType::kF32));
  }
  graph_.nodes.push_back(std::move(write));
  return add_node(OpKind::kAttention, {q, positions, sequences, table, k_cache, v_cache}, matmul_input(),
                  rows_by(q, width_of(q)), {.scale = spec.scale, .window = spec.window});
}

ValueId GraphBuilder::silu_mul(ValueId gate, ValueId up) {
  CARAVAN_CHECK_EQ(width_of(gate), width_of(up));
  return add_node(OpKind::kSiluMul, {gate, up}, matmul_input(), rows_by(gate, width_of(gate)));
}

ValueId GraphBuilder::add(ValueId a, ValueId b) {
  CARAVAN_CHECK_EQ(width_of(a), width_of(b));
  return add_node(OpKind::kAdd, {a, b}, DType::kF32, rows_by(a, width_of(a)));
}

ValueId GraphBuilder::take_logit_rows(ValueId x) {
  return add_node(OpKind::kTakeRows, {x, input(InputKind::kLogitRows)}, DType::kF32,
                  {{Symbol::kLogitRows, 0}, fixed(width_of(x))});
}

Graph GraphBuilder::finish(ValueId logits) {
  graph_.output = logits;
  widen_what_is_quantized();
  inputs_.assign(kInputCount, -1);
  return std::exchange(graph_, Graph{});
}

}  // namespace caravan
