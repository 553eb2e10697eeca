#include "cli/schemes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "models/quantization.h"

namespace caravan::cli {

namespace {

/// The matrices of a layer, or one that is in none.
struct Place {
  std::string name;  ///< "3" of a layer, whose `is_layer` is set; "lm_head"
  bool is_layer = false;
  std::map<std::string, std::vector<std::string>> matrices;  ///< their names, by what they are stored in
};

/// What comes before `mark`, and what after it; all and nothing where it is not there.
std::pair<std::string, std::string> cut(const std::string& text, const std::string& mark) {
  const size_t at = text.find(mark);
  if (at == std::string::npos) return {text, ""};
  return {text.substr(0, at), text.substr(at + mark.size())};
}

/// "model.layers.3.mlp.up_proj.weight" to "3" and "mlp.up_proj"; "lm_head.weight" to "" and "lm_head".
std::pair<std::string, std::string> place_of(const std::string& name) {
  const std::string module = cut(name, ".weight").first;
  const auto [before, inside] = cut(module, "layers.");
  if (inside.empty()) return {"", before.starts_with("model.") ? before.substr(6) : before};
  return cut(inside, ".");
}

std::string scheme_of(const WeightSpec& spec) {
  return spec.format ? format_text(*spec.format) : std::string(name_of(spec.dtype));
}

std::string text_of(const Place& place) {
  const auto most =
      std::max_element(place.matrices.begin(), place.matrices.end(),
                       [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  std::string text = most->first;
  for (const auto& [scheme, names] : place.matrices) {
    if (scheme == most->first) continue;
    text += "; " + scheme + ":";
    for (const std::string& name : names) text += (name == names.front() ? " " : ", ") + name;
  }
  return text;
}

std::vector<Place> places_of(const Graph& graph) {
  std::vector<Place> places;
  for (const WeightSpec& spec : graph.weights) {
    if (spec.width == 0) continue;  // norms and biases
    for (const WeightSource& source : spec.sources) {
      const auto [layer, module] = place_of(source.names.front());
      // A head that is the embedding, in numbers of its own, has its name.
      const bool again = layer.empty() && !places.empty() && places.front().name == module;
      const std::string name = again ? "lm_head" : layer.empty() ? module : layer;
      if (places.empty() || places.back().name != name) places.push_back({name, !layer.empty(), {}});
      places.back().matrices[scheme_of(spec)].push_back(module);
    }
  }
  return places;
}

}  // namespace

std::vector<SchemeLine> schemes_by_layer(const Graph& graph) {
  std::vector<SchemeLine> lines;
  const std::vector<Place> places = places_of(graph);
  for (size_t first = 0; first < places.size();) {
    size_t end = first + 1;
    while (end < places.size() && places[first].is_layer && places[end].is_layer &&
           places[end].matrices == places[first].matrices) {
      ++end;
    }
    std::string where = !places[first].is_layer ? "" : end == first + 1 ? "layer " : "layers ";
    where += places[first].name;
    if (end > first + 1) where.append(" to ").append(places[end - 1].name);
    lines.push_back({where, text_of(places[first])});
    first = end;
  }
  return lines;
}

}  // namespace caravan::cli
