#include "graph/passes/stack.h"

#include <algorithm>

#include "graph/edit.h"

namespace caravan {

namespace {

/// The format of matrices of these formats that become one; nothing where they cannot. What only one of them
/// has sparse has every value stored.
std::optional<QuantizedFormat> common_format(const std::optional<QuantizedFormat>& a,
                                             const std::optional<QuantizedFormat>& b) {
  if (!a || !b) return std::nullopt;
  QuantizedFormat common = *a;
  common.row_kept = a->row_kept == 0 || b->row_kept == 0 ? 0 : std::max(a->row_kept, b->row_kept);
  QuantizedFormat other = *b;
  other.row_kept = common.row_kept;
  return common == other ? std::optional(common) : std::nullopt;
}

/// The weights at `place` of the inputs of `linears` as one; nothing where they are of different kinds.
std::optional<WeightSpec> stacked_spec(const Graph& graph, const std::vector<size_t>& linears, size_t place) {
  WeightSpec stacked = weight_of(graph, graph.nodes[linears.front()].inputs[place]);
  stacked.sources.clear();
  for (const size_t linear : linears) {
    const WeightSpec& spec = weight_of(graph, graph.nodes[linear].inputs[place]);
    const bool in_rows = spec.layout == WeightLayout::kRows || spec.format.has_value();
    const std::optional<QuantizedFormat> format = common_format(stacked.format, spec.format);
    if (spec.dtype != stacked.dtype || spec.width != stacked.width || !in_rows ||
        format.has_value() != (stacked.format.has_value() || spec.format.has_value()))
      return std::nullopt;
    stacked.format = format;
    stacked.sources.insert(stacked.sources.end(), spec.sources.begin(), spec.sources.end());
  }
  return stacked;
}

/// "model.layers.0.self_attn.q_proj+k_proj+v_proj.weight".
std::string stacked_name(const WeightSpec& spec) {
  std::string name;
  for (const WeightSource& source : spec.sources) {
    const std::string& full = source.names.front();
    const size_t end = full.rfind('.');
    const std::string path = full.substr(0, end);
    const size_t start = path.rfind('.');
    name += name.empty() || start == std::string::npos ? path : path.substr(start + 1);
    name += &source == &spec.sources.back() && end != std::string::npos ? full.substr(end) : "+";
  }
  return name;
}

}  // namespace

std::optional<size_t> matmul_of(const Graph& graph, const Uses& uses, ValueId value) {
  const std::optional<size_t> node = uses.producer(value);
  return node && is_plain_matmul(graph, graph.nodes[*node]) ? node : std::nullopt;
}

std::optional<Node> stack_linears(Graph& graph, const std::vector<size_t>& linears, WeightLayout layout) {
  const Node& first = graph.nodes[linears.front()];
  for (const size_t linear : linears) {
    const Node& node = graph.nodes[linear];
    if (node.inputs[0] != first.inputs[0] || node.inputs.size() != first.inputs.size()) return std::nullopt;
  }
  std::vector<WeightSpec> specs;
  for (size_t place = 1; place < first.inputs.size(); ++place) {
    std::optional<WeightSpec> spec = stacked_spec(graph, linears, place);
    if (!spec) return std::nullopt;
    spec->layout = spec->format && layout == WeightLayout::kRows ? WeightLayout::kPanels : layout;
    if (spec->width == 0 && layout == WeightLayout::kInterleavedPanels)
      spec->layout = WeightLayout::kInterleavedRows;
    specs.push_back(*std::move(spec));
  }
  Node stacked = {first.op, {first.inputs[0]}, {}, first.attributes};
  if (specs.front().format) stacked.attributes.format = *specs.front().format;
  for (const WeightSpec& spec : specs) stacked.inputs.push_back(add_weight(graph, stacked_name(spec), spec));
  return stacked;
}

}  // namespace caravan
