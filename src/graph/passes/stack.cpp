#include "graph/passes/stack.h"

#include <algorithm>

#include "graph/edit.h"

namespace caravan {

namespace {

/// The weights at `place` of the inputs of `linears` as one; nothing where they are of different kinds.
std::optional<WeightSpec> stacked_spec(const Graph& graph, const std::vector<size_t>& linears, size_t place) {
  WeightSpec stacked = weight_of(graph, graph.nodes[linears.front()].inputs[place]);
  stacked.sources.clear();
  std::vector<const WeightSpec*> specs;
  for (const size_t linear : linears) {
    const WeightSpec& spec = weight_of(graph, graph.nodes[linear].inputs[place]);
    const bool as_recorded =
        spec.layout == WeightLayout::kRows || spec.format.has_value() || spec.experts > 1;
    const std::optional<QuantizedFormat> format =
        stacked.format && spec.format ? common_format(*stacked.format, *spec.format) : std::nullopt;
    if (spec.dtype != stacked.dtype || spec.width != stacked.width || spec.experts != stacked.experts ||
        !as_recorded || format.has_value() != (stacked.format.has_value() || spec.format.has_value()))
      return std::nullopt;
    stacked.format = format;
    specs.push_back(&spec);
  }
  for (int64_t expert = 0; expert < stacked.experts; ++expert) {
    for (const WeightSpec* spec : specs) {
      const auto count = static_cast<std::ptrdiff_t>(spec->sources.size()) / spec->experts;
      const auto first = spec->sources.begin() + expert * count;
      stacked.sources.insert(stacked.sources.end(), first, first + count);
    }
  }
  return stacked;
}

/// "model.layers.0.self_attn.q_proj+k_proj+v_proj.weight".
std::string stacked_name(const Graph& graph, const std::vector<size_t>& linears, size_t place) {
  std::string name;
  for (const size_t linear : linears) {
    const std::string& full = graph.values[static_cast<size_t>(graph.nodes[linear].inputs[place])].name;
    const size_t end = full.rfind('.');
    const std::string path = full.substr(0, end);
    const size_t start = path.rfind('.');
    name += name.empty() || start == std::string::npos ? path : path.substr(start + 1);
    name += linear == linears.back() && end != std::string::npos ? full.substr(end) : "+";
  }
  return name;
}

bool is_weight(const Graph& graph, ValueId value) {
  return graph.values[static_cast<size_t>(value)].kind == ValueKind::kWeight;
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
    if (node.op != first.op || node.inputs.size() != first.inputs.size()) return std::nullopt;
    // What is no weight (the input; the offsets of experts) must be the same.
    for (size_t place = 0; place < first.inputs.size(); ++place) {
      if (!is_weight(graph, node.inputs[place]) && node.inputs[place] != first.inputs[place])
        return std::nullopt;
    }
  }
  std::vector<std::pair<size_t, WeightSpec>> specs;  // by place
  for (size_t place = 1; place < first.inputs.size(); ++place) {
    if (!is_weight(graph, first.inputs[place])) continue;
    std::optional<WeightSpec> spec = stacked_spec(graph, linears, place);
    if (!spec) return std::nullopt;
    spec->layout = spec->format && layout == WeightLayout::kRows ? WeightLayout::kPanels : layout;
    if (spec->width == 0 && layout == WeightLayout::kInterleavedPanels)
      spec->layout = WeightLayout::kInterleavedRows;
    specs.emplace_back(place, *std::move(spec));
  }
  Node stacked = {first.op, first.inputs, {}, first.attributes};
  if (specs.front().second.format) stacked.attributes.format = *specs.front().second.format;
  for (const auto& [place, spec] : specs)
    stacked.inputs[place] = add_weight(graph, stacked_name(graph, linears, place), spec);
  return stacked;
}

}  // namespace caravan
