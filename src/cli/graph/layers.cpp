#include "cli/graph/layers.h"

#include <cctype>

namespace caravan::cli {

namespace {

/// 3 for "model.layers.3.mlp.down_proj.weight"; -1 for names without a layer.
int layer_in(const std::string& name) {
  const std::string start = ".layers.";
  const size_t found = name.find(start);
  if (found == std::string::npos) return -1;
  return std::stoi(name.substr(found + start.size()));
}

/// -2 where the node itself does not say.
int layer_of(const Graph& graph, const Node& node) {
  for (const ValueId input : node.inputs) {
    const Value& value = graph.values[static_cast<size_t>(input)];
    if (value.kind == ValueKind::kCache) return value.index / 2;
    if (value.kind == ValueKind::kWeight) return layer_in(value.name);
  }
  return -2;
}

/// What a section does, without the numbers of its values and its layer.
std::string gist(const Graph& graph, const Section& section) {
  std::string text;
  for (size_t n = section.begin; n < section.end; ++n) {
    const Node& node = graph.nodes[n];
    text += std::string(name_of(node.op)) + std::to_string(static_cast<int>(node.attributes.epilogue));
    for (const ValueId input : node.inputs) {
      const Value& value = graph.values[static_cast<size_t>(input)];
      text += ' ' + std::string(name_of(value.dtype)) + to_string(value.shape);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

std::vector<Section> sections_of(const Graph& graph) {
  std::vector<Section> all;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    int layer = layer_of(graph, graph.nodes[n]);
    if (layer == -2) layer = all.empty() ? -1 : all.back().layer;
    if (all.empty() || all.back().layer != layer) all.push_back({layer, n, n, 1});
    all.back().end = n + 1;
  }
  std::vector<Section> shown;
  for (const Section& section : all) {
    const bool repeats = !shown.empty() && section.layer > 0 && shown.back().layer >= 0 &&
                         gist(graph, section) == gist(graph, shown.back());
    if (repeats) {
      ++shown.back().alike;
    } else {
      shown.push_back(section);
    }
  }
  return shown;
}

}  // namespace caravan::cli
