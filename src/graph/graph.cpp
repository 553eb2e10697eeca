#include "graph/graph.h"

#include <array>
#include <sstream>

namespace caravan {

std::string_view name_of(OpKind op) {
  switch (op) {
    case OpKind::kEmbedding:
      return "embedding";
    case OpKind::kLinear:
      return "linear";
    case OpKind::kPackedLinear:
      return "packed_linear";
    case OpKind::kRmsNorm:
      return "rms_norm";
    case OpKind::kAddRmsNorm:
      return "add_rms_norm";
    case OpKind::kRopeAngles:
      return "rope_angles";
    case OpKind::kRope:
      return "rope";
    case OpKind::kKvWrite:
      return "kv_write";
    case OpKind::kRopeKvWrite:
      return "rope_kv_write";
    case OpKind::kAttention:
      return "attention";
    case OpKind::kSiluMul:
      return "silu_mul";
    case OpKind::kAdd:
      return "add";
    case OpKind::kTakeRows:
      return "take_rows";
    case OpKind::kQuantizeRows:
      return "quantize_rows";
    case OpKind::kRouteExperts:
      return "route_experts";
    case OpKind::kGroupRows:
      return "group_rows";
    case OpKind::kGroupedLinear:
      return "grouped_linear";
    case OpKind::kCombineExperts:
      return "combine_experts";
  }
  return "";
}

int64_t rows_of(const WeightSpec& spec) {
  int64_t rows = 0;
  for (const WeightSource& source : spec.sources) rows += source.rows;
  return rows;
}

namespace {

/// That of `experts` tensors of this shape, one after the other.
Shape repeated(const Shape& shape, int64_t experts) {
  std::array<int64_t, kMaxRank> sizes{shape[0] * experts};
  for (size_t axis = 1; axis < shape.rank(); ++axis) sizes.at(axis) = shape[axis];
  return {sizes.data(), shape.rank()};
}

}  // namespace

Shape shape_of(const WeightSpec& spec) {
  int64_t rows = rows_of(spec) / spec.experts;
  const bool interleaved =
      spec.layout == WeightLayout::kInterleavedRows || spec.layout == WeightLayout::kInterleavedPanels;
  if (interleaved) {
    CARAVAN_CHECK(static_cast<int64_t>(spec.sources.size()) == 2 * spec.experts &&
                  spec.sources[0].rows == spec.sources[1].rows);
    rows = (spec.sources[0].rows + kInterleave - 1) / kInterleave * kPanelOutputs;
  }
  const bool panels = spec.layout == WeightLayout::kPanels || spec.layout == WeightLayout::kInterleavedPanels;
  if (spec.format) return repeated(quantized_shape(rows, spec.width, *spec.format), spec.experts);
  if (panels) return repeated(panel_shape(rows, spec.width, spec.dtype), spec.experts);
  CARAVAN_CHECK_EQ(spec.experts, 1);
  return spec.width == 0 ? Shape{rows} : Shape{rows, spec.width};
}

bool is_plain_matmul(const Graph& graph, const Node& node) {
  if (node.op == OpKind::kLinear) return true;
  if (node.op == OpKind::kGroupedLinear) return node.attributes.epilogue == Epilogue::kNone;
  if (node.op != OpKind::kPackedLinear || node.attributes.epilogue != Epilogue::kNone) return false;
  const Value& weight = graph.values.at(static_cast<size_t>(node.inputs.at(1)));
  return graph.weights.at(static_cast<size_t>(weight.index)).format.has_value();
}

bool takes_logit_rows(const Graph& graph, const Node& node) {
  if (node.op != OpKind::kTakeRows) return false;
  const Value& rows = graph.values.at(static_cast<size_t>(node.inputs.at(1)));
  return rows.kind == ValueKind::kInput && rows.index == static_cast<int32_t>(InputKind::kLogitRows);
}

std::string to_string(const SymbolicShape& shape) {
  constexpr std::array<const char*, kSymbolCount> kNames = {
      "", "tokens", "sequences", "logit_rows", "blocks", "blocks_per_sequence", "block_size"};
  std::string out = "[";
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis != 0) out += ", ";
    const Dim& dim = shape[axis];
    if (dim.times != 1) out += std::to_string(dim.times) + ' ';
    out += dim.symbol == Symbol::kNone ? std::to_string(dim.constant)
                                       : kNames.at(static_cast<size_t>(dim.symbol));
  }
  return out + "]";
}

std::string to_string(const Graph& graph) {
  std::ostringstream out;
  for (const Node& node : graph.nodes) {
    for (const ValueId output : node.outputs) {
      const Value& value = graph.values[static_cast<size_t>(output)];
      out << (output == node.outputs.front() ? "" : ", ") << '%' << output << ' ' << name_of(value.dtype)
          << ' ' << to_string(value.shape);
    }
    out << (node.outputs.empty() ? "" : " = ") << name_of(node.op) << '(';
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Value& value = graph.values[static_cast<size_t>(node.inputs[i])];
      out << (i == 0 ? "" : ", ");
      if (value.kind == ValueKind::kIntermediate) {
        out << '%' << node.inputs[i];
      } else {
        out << value.name;
      }
    }
    out << ')';
    if (node.attributes.epilogue == Epilogue::kResidual) out << " {residual}";
    if (node.attributes.epilogue == Epilogue::kSiluMul) out << " {silu_mul}";
    out << '\n';
  }
  return out.str();
}

}  // namespace caravan
