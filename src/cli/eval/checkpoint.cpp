#include "cli/eval/checkpoint.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "cli/show/size_text.h"
#include "engine/memory.h"
#include "models/generation_config.h"
#include "models/quantization.h"

namespace caravan::eval {

namespace {

/// The rest is for the steps' intermediates and logits, and for whoever else is on the machine.
constexpr double kShareOfFree = 0.9;

/// What it needs is more than there is. Never leaves this file.
struct NoRoom {
  uint64_t needed = 0;
};

/// The scheme of the quantised matrices, if there are any, and the inputs of their largest group, where they
/// have groups.
std::optional<std::string> scheme_of(const Graph& graph) {
  std::map<std::string, QuantizedFormat> formats;
  for (const WeightSpec& spec : graph.weights) {
    if (spec.format.has_value()) formats.emplace(spec.sources.front().names.front(), *spec.format);
  }
  if (formats.empty()) return std::nullopt;
  int64_t group = 0;
  for (const auto& [name, format] : formats) group = std::max(group, format.weight.group);
  return scheme_name(formats) + (group == 0 ? "" : " g" + std::to_string(group));
}

/// Throws NoRoom where there is too little memory.
void load_or_throw(Checkpoint& checkpoint, int64_t max_length, uint64_t free_bytes) {
  EngineOptions options = checkpoint.planned.flags.engine;
  options.max_sequences = 1;
  options.max_sequence_length = max_length;
  LoadOptions load = checkpoint.planned.flags.load;
  load.before_weights = [&](uint64_t weight_bytes, const Precision& precision) {
    const KvCacheShape cache = kv_cache_shape(checkpoint.planned.config, options);
    const uint64_t needed = weight_bytes + cache.bytes(precision.kv_cache);
    if (static_cast<double>(needed) > kShareOfFree * static_cast<double>(free_bytes)) throw NoRoom{needed};
  };
  Model model = load_model(checkpoint.planned.flags.model_path, load);
  checkpoint.dtype = model.dtype;
  checkpoint.scheme = scheme_of(model.graph);
  checkpoint.kv_dtype = model.kv_dtype;
  checkpoint.weight_bytes = model.weight_bytes();
  checkpoint.engine = std::make_unique<Engine>(std::move(model), options);
}

}  // namespace

Checkpoint open_checkpoint(const PlannedCheckpoint& planned) {
  const std::filesystem::path& path = planned.flags.model_path;
  Checkpoint checkpoint;
  checkpoint.planned = planned;
  checkpoint.tokenizer = load_tokenizer(path);
  checkpoint.stop_tokens = load_generation_config(path).eos_tokens;
  if (checkpoint.stop_tokens.empty()) checkpoint.stop_tokens = planned.config.eos_tokens;
  return checkpoint;
}

bool load_if_fits(Checkpoint& checkpoint, int64_t max_length, uint64_t free_bytes) {
  try {
    load_or_throw(checkpoint, max_length, free_bytes);
    return true;
  } catch (const NoRoom&) {
    return false;
  }
}

void load(Checkpoint& checkpoint, int64_t max_length, uint64_t free_bytes) {
  try {
    load_or_throw(checkpoint, max_length, free_bytes);
  } catch (const NoRoom& room) {
    fail(checkpoint.path(), ": its weights and a KV cache of ", max_length, " tokens take ",
         cli::size_text(room.needed), ", but ", cli::size_text(free_bytes),
         " of memory are free beside what is loaded, expected a smaller checkpoint, --dtype or --max-length "
         "(the baseline and what is compared with it are in memory at once)");
  }
}

}  // namespace caravan::eval
