#include "models/model.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "models/precision.h"
#include "models/record.h"

namespace caravan {

namespace {

/// Ends of names that published checkpoints carry and the graph does not read: the rotary frequencies, which
/// follow from the config, and what a GGUF file divides them by, which is part of the config.
constexpr std::array<std::string_view, 2> kLeftovers = {"rotary_emb.inv_freq", "rope_freqs.weight"};

bool is_leftover(const std::string& name, const ModelConfig& config) {
  // A tied head is the embedding; some files store it a second time.
  if (config.tie_word_embeddings && name == "lm_head.weight") return true;
  return std::any_of(kLeftovers.begin(), kLeftovers.end(),
                     [&name](std::string_view end) { return name.ends_with(end); });
}

void refuse_unused(const std::filesystem::path& folder, const WeightStore& store, const ModelConfig& config) {
  std::vector<std::string> unused = store.unused();
  std::erase_if(unused, [&config](const std::string& name) { return is_leftover(name, config); });
  if (unused.empty()) return;
  fail(folder.string(), ": the weight ", in_quotes(unused.front()),
       unused.size() == 1 ? "" : " (and " + std::to_string(unused.size() - 1) + " more)",
       " is not part of a ", config.architecture, " as its config describes it");
}

/// By Graph::weights: what only an embedding reads need not be in memory as a whole.
std::vector<Residency> residencies_of(const Graph& graph) {
  std::vector<Residency> residencies(graph.weights.size(), Residency::kOnDemand);
  for (const Node& node : graph.nodes) {
    if (node.op == OpKind::kEmbedding) continue;
    for (const ValueId input : node.inputs) {
      const Value& value = graph.values[static_cast<size_t>(input)];
      if (value.kind == ValueKind::kWeight) residencies[static_cast<size_t>(value.index)] = Residency::kWhole;
    }
  }
  return residencies;
}

/// The name under which the store has `source`; the first where it has none, for the error's sake.
const std::string& stored_name(const WeightStore& store, const WeightSource& source) {
  const auto stored = std::find_if(source.names.begin(), source.names.end(),
                                   [&store](const std::string& name) { return store.has(name); });
  return stored == source.names.end() ? source.names.front() : *stored;
}

/// Bytes of memory that taking all weights of `graph` will need.
uint64_t bytes_to_allocate(const WeightStore& store, const Graph& graph) {
  uint64_t bytes = 0;
  for (const WeightSpec& spec : graph.weights) {
    const bool plain = spec.layout == WeightLayout::kRows && spec.sources.size() == 1;
    if (plain && store.is_mapped_as(stored_name(store, spec.sources.front()), spec.dtype)) continue;
    bytes += static_cast<uint64_t>(shape_of(spec).elements()) * size_of(spec.dtype);
  }
  return bytes;
}

ConstTensorView take_weight(WeightStore& store, const WeightSpec& spec, Residency residency) {
  std::vector<WeightPart> parts;
  for (const WeightSource& source : spec.sources) parts.push_back({stored_name(store, source), source.rows});
  if (spec.format) {
    return store.take_quantized(parts, spec.width, *spec.format,
                                spec.layout == WeightLayout::kInterleavedPanels, spec.experts);
  }
  switch (spec.layout) {
    case WeightLayout::kPanels:
      return store.take_panels(parts, spec.width, spec.dtype, false, spec.experts);
    case WeightLayout::kInterleavedPanels:
      return store.take_panels(parts, spec.width, spec.dtype, true, spec.experts);
    case WeightLayout::kInterleavedRows:
      return store.take_vectors(parts, true);
    case WeightLayout::kRows:
      break;
  }
  if (parts.size() == 1) return store.take(parts.front().name, shape_of(spec), spec.dtype, residency);
  // Matrices of several sources are always packed.
  CARAVAN_CHECK_EQ(spec.width, 0);
  return store.take_vectors(parts, false);
}

}  // namespace

uint64_t Model::weight_bytes() const {
  uint64_t bytes = 0;
  for (const ConstTensorView& weight : weights) bytes += weight.bytes();
  return bytes;
}

Model load_model(const std::filesystem::path& model_path, const LoadOptions& options) {
  ModelConfig config = load_config(model_path);
  WeightStore store =
      options.opened ? options.opened->again() : WeightStore::open(model_path, options.format);
  const Precision precision = precision_of(config, store, options);
  Model model = {std::move(config), precision.weights, precision.kv_cache, {}, std::move(store), {}, {}};
  model.graph = record_model(model.config, precision);
  if (options.compile) model.passes = run_passes(model.graph);
  if (options.before_weights) options.before_weights(bytes_to_allocate(model.store, model.graph), precision);
  const std::vector<Residency> residencies = residencies_of(model.graph);
  for (size_t i = 0; i < model.graph.weights.size(); ++i) {
    if (options.stop.stop_requested()) throw LoadStopped();
    model.weights.push_back(take_weight(model.store, model.graph.weights[i], residencies[i]));
  }
  refuse_unused(model_path, model.store, model.config);
  return model;
}

}  // namespace caravan
