#include "cli/text_model.h"

#include "base/log.h"
#include "base/machine.h"
#include "device/numa.h"
#include "engine/memory.h"

namespace caravan::cli {

TextModel open_text_model(const EngineFlags& flags) {
  const double start = seconds_now();
  TextModel model = {flags, load_config(flags.model_path), load_tokenizer(flags.model_path),
                     load_generation_config(flags.model_path), 0.0};
  model.load_seconds = seconds_now() - start;
  return model;
}

Engine load_engine(TextModel& model, int64_t max_sequences, int64_t max_sequence_length) {
  const double start = seconds_now();
  EngineOptions options = model.flags.engine;
  options.max_sequences = max_sequences;
  options.max_sequence_length = max_sequence_length;
  if (options.bind_cpu && !interleave_memory())
    log(LogLevel::kWarning, "--bind-cpu: the system refused to spread memory over its nodes");
  LoadOptions load = model.flags.load;
  const std::string path = model.flags.model_path.string();
  load.before_weights = [&](uint64_t weight_bytes, const Precision& precision) {
    require_free_memory(path, model.config, options, weight_bytes, precision);
  };
  Model weights = load_model(model.flags.model_path, load);
  model.load_seconds += seconds_now() - start;
  log(LogLevel::kInfo, "loaded ", path, ": ", weights.weight_bytes() / 1'000'000, " MB of ",
      name_of(weights.dtype), " weights in ", model.load_seconds, " s; KV cache in ",
      name_of(weights.kv_dtype), "; kernels: ", name_of(options.isa), ", threads: ", options.threads);
  return {std::move(weights), options};
}

}  // namespace caravan::cli
