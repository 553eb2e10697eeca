#include "cli/text_model.h"

#include "base/log.h"
#include "base/machine.h"
#include "device/numa.h"

namespace caravan::cli {

TextModel load_text_model(const EngineFlags& flags) {
  const double start = seconds_now();
  if (flags.engine.bind_cpu && !interleave_memory())
    log(LogLevel::kWarning, "--bind-cpu: the system refused to spread memory over its nodes");
  TextModel loaded = {load_model(flags.model_path, flags.load), load_tokenizer(flags.model_path),
                      load_generation_config(flags.model_path), 0.0};
  loaded.load_seconds = seconds_now() - start;
  log(LogLevel::kInfo, "loaded ", flags.model_path.string(), ": ", loaded.model.weight_bytes() / 1'000'000,
      " MB of ", name_of(loaded.model.dtype), " weights in ", loaded.load_seconds,
      " s; kernels: ", name_of(flags.engine.isa), ", threads: ", flags.engine.threads);
  return loaded;
}

}  // namespace caravan::cli
