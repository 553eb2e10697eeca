#include "cli/flags/engine_flags.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/machine.h"

namespace caravan::cli {

namespace {

/// Far more threads than any machine has cores: above it, a number is a slip of the finger.
constexpr int64_t kMaxThreads = 1024;
/// Far above what any memory could hold caches for.
constexpr int64_t kMaxBatchSize = 65536;
constexpr int64_t kMaxBatchTokens = int64_t{1} << 20U;

/// What --execute-mode may say, and the mode that it names.
struct ModeName {
  std::string_view name;
  std::string_view mode;  ///< the mode's own name, which `name` may be another word for
  bool built;             ///< whether this version has the mode
};
constexpr ModeName kModeNames[] = {
    {"eager", "eager", true},
    {"max-autotune", "max-autotune", false},
    {"reduce-overhead", "reduce-overhead", false},
    {"dynamo", "max-autotune", false},
};

std::string_view parse_execute_mode(const Arguments& arguments) {
  std::vector<std::string> names;
  for (const ModeName& row : kModeNames) names.emplace_back(row.name);
  const std::string name = arguments.choice("--execute-mode", names).value_or("eager");
  const ModeName& row =
      *std::find_if(std::begin(kModeNames), std::end(kModeNames),
                    [&name](const ModeName& each) { return each.name == name; });
  if (!row.built) fail("--execute-mode: found ", name, ", which this version does not have; expected eager");
  return row.mode;
}

/// Flags of the design that this version has one value for, each with what it can do instead of the others.
void refuse_unbuilt(const Arguments& arguments) {
  const std::string device = arguments.choice("--device", {"cpu", "cuda"}).value_or("cpu");
  if (device != "cpu") fail("--device: found ", device, ", but this build has no CUDA kernels; expected cpu");
  const int64_t ranks = arguments.integer("--tp", 1, kMaxThreads).value_or(1);
  if (ranks != 1) fail("--tp: found ", ranks, ", but this version runs on one rank; expected 1");
}

std::optional<DType> parse_dtype(const Arguments& arguments) {
  const std::string name = arguments.choice("--dtype", {"auto", "fp32", "fp16", "bf16"}).value_or("auto");
  return name == "auto" ? std::nullopt : dtype_from_name(name);
}

}  // namespace

OptionGroup engine_option_group() {
  return {"Model and engine",
          {
              {"--model-path", "DIR", "checkpoint folder in Hugging Face layout (required)"},
              {"--dtype", "TYPE", "fp32, fp16, bf16, or auto: as the checkpoint stores it (auto)"},
              {"--load-format", "FORMAT", "auto, or dummy: random weights from config.json alone (auto)"},
              {"--threads", "N", "CPU threads (every CPU that this process may use)"},
              {"--bind-cpu", "", "pin each thread to a CPU of its own"},
              {"--batch-size", "N", "sequences that run together (1)"},
              {"--kv-cache", "KIND", "contiguous or paged (contiguous)"},
              {"--max-batch-tokens", "N", "most tokens of one step; longer prompts run in pieces (2048)"},
              {"--max-memory-gb", "GB", "refuse to start if weights and KV cache need more"},
              {"--execute-mode", "MODE", "eager (the one mode of this version)"},
              {"--device", "NAME", "cpu (the one device of this build)"},
              {"--tp", "N", "tensor-parallel ranks: 1 in this version"},
              {"--log-level", "LEVEL", "debug, info, warning or error, or 0 to 3 (warning)"},
          }};
}

std::vector<Alias> engine_aliases() {
  return {{"--is-bf16", "--dtype", "bf16"}, {"--exe-mode", "--execute-mode", ""}};
}

std::filesystem::path parse_model_path(const Arguments& arguments) {
  const std::optional<std::string> path = arguments.text("--model-path");
  if (!path.has_value()) fail("--model-path: is missing, expected the folder of a checkpoint");
  require_folder(*path, "--model-path");
  return *path;
}

EngineFlags parse_engine_flags(const Arguments& arguments) {
  if (const auto level = arguments.text("--log-level")) set_log_level(parse_log_level(*level, "--log-level"));
  refuse_unbuilt(arguments);
  EngineFlags flags;
  flags.model_path = parse_model_path(arguments);
  flags.execute_mode = parse_execute_mode(arguments);
  flags.load.dtype = parse_dtype(arguments);
  const bool dummy = arguments.choice("--load-format", {"auto", "dummy"}) == "dummy";
  flags.load.format = dummy ? LoadFormat::kDummy : LoadFormat::kAuto;
  EngineOptions& engine = flags.engine;
  engine.threads = static_cast<int>(arguments.integer("--threads", 1, kMaxThreads).value_or(usable_cpus()));
  engine.bind_cpu = arguments.is_on("--bind-cpu");
  engine.isa = choose_level(std::getenv("CARAVAN_ISA"), cpu_features());
  const bool paged = arguments.choice("--kv-cache", {"contiguous", "paged"}) == "paged";
  engine.kv_cache = paged ? KvCacheKind::kPaged : KvCacheKind::kContiguous;
  engine.max_sequences = arguments.integer("--batch-size", 1, kMaxBatchSize).value_or(1);
  engine.max_batch_tokens =
      arguments.integer("--max-batch-tokens", 1, kMaxBatchTokens).value_or(engine.max_batch_tokens);
  engine.max_memory_gb = arguments.number("--max-memory-gb", 0.001, 1e6);
  return flags;
}

}  // namespace caravan::cli
