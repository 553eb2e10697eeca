#include "models/model.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "models/llama.h"

namespace caravan {

namespace {

/// Ends of names that published checkpoints carry and no implementation reads: the rotary frequencies, which
/// follow from the config.
constexpr std::array<std::string_view, 1> kLeftovers = {"rotary_emb.inv_freq"};

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
       " is not part of a ", config.architecture, " as config.json describes it");
}

}  // namespace

uint64_t Model::weight_bytes() const {
  uint64_t bytes = 0;
  for (const ConstTensorView& weight : weights) bytes += weight.bytes();
  return bytes;
}

Model load_model(const std::filesystem::path& folder, const LoadOptions& options) {
  ModelConfig config = load_config(folder);
  WeightStore store = WeightStore::open(folder, options.format);
  const DType dtype = options.dtype.value_or(store.stored_dtype(config.dtype));
  Model model = {std::move(config), dtype, {}, std::move(store), {}};
  model.graph = record_llama(model.config, {.weights = dtype, .kv_cache = dtype});
  for (const WeightSpec& spec : model.graph.weights) {
    const auto stored = std::find_if(spec.names.begin(), spec.names.end(),
                                     [&model](const std::string& name) { return model.store.has(name); });
    const std::string& name = stored == spec.names.end() ? spec.names.front() : *stored;
    model.weights.push_back(model.store.take(name, spec.shape, spec.dtype));
  }
  refuse_unused(folder, model.store, model.config);
  return model;
}

}  // namespace caravan
