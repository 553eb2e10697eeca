#include "cli/flags/engine_flags.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "base/log.h"
#include "base/machine.h"
#include "checkpoint/gguf/model_file.h"
#include "cli/flags/quantize_flags.h"
#include "execute/tuning/tile_cache.h"

namespace caravan::cli {

namespace {

/// Far more threads than any machine has cores: above it, a number is a slip of the finger.
constexpr int64_t kMaxThreads = 1024;
/// Far above what any memory could hold caches for.
constexpr int64_t kMaxBatchSize = 65536;
constexpr int64_t kMaxBatchTokens = int64_t{1} << 20U;

/// Flags of the design that this version has one value for, each with what it can do instead of the others.
void refuse_unbuilt(const Arguments& arguments) {
  const std::string device = arguments.choice("--device", {"cpu", "cuda"}).value_or("cpu");
  if (device != "cpu") fail("--device: found ", device, ", but this build has no CUDA kernels; expected cpu");
  const int64_t ranks = arguments.integer("--tp", 1, kMaxThreads).value_or(1);
  if (ranks != 1) fail("--tp: found ", ranks, ", but this version runs on one rank; expected 1");
}

ExecuteMode parse_mode(const Arguments& arguments) {
  const auto name =
      arguments.choice("--execute-mode", {"eager", "reduce-overhead", "max-autotune", "dynamo"});
  if (name == "eager") return ExecuteMode::kEager;
  return name == "reduce-overhead" ? ExecuteMode::kReduceOverhead : ExecuteMode::kMaxAutotune;
}

/// Shows how far tuning is, on a terminal only.
void show_tuning(size_t done, size_t all) {
  if (::isatty(STDERR_FILENO) == 0) return;
  std::cerr << "\rmeasuring tile shapes for this machine: " << done << " of " << all;
  if (done == all) std::cerr << "\r\033[K";
  std::cerr << std::flush;
}

void parse_tuning(const Arguments& arguments, EngineOptions& engine) {
  const auto choice = arguments.choice("--autotune", {"on", "off", "cached"}).value_or("on");
  engine.autotune = choice == "off" ? Autotune::kOff : choice == "cached" ? Autotune::kCached : Autotune::kOn;
  const std::optional<std::string> cache = arguments.text("--tile-cache");
  engine.tile_cache = cache.has_value() ? std::filesystem::path(*cache) : default_tile_cache();
  engine.on_tuning = show_tuning;
}

}  // namespace

OptionGroup engine_option_group() {
  OptionGroup group = {
      "Model and engine",
      {
          {"--model-path", "PATH", "checkpoint folder in Hugging Face layout, or a GGUF file (required)"},
          dtype_option(),
          {"--load-format", "FORMAT", "auto, or dummy: random weights from config.json alone (auto)"},
          {"--threads", "N", "CPU threads (every CPU that this process may use)"},
          {"--bind-cpu", "", "pin each thread to a CPU of its own; spread weights over NUMA nodes"},
          {"--batch-size", "N", "sequences that run together (1)"},
          {"--kv-cache", "KIND", "contiguous or paged (contiguous)"},
          kv_cache_dtype_option(),
          {"--max-batch-tokens", "N", "most tokens of one step; longer prompts run in pieces (2048)"},
          {"--max-memory-gb", "GB", "refuse to start if weights and KV cache need more"},
          {"--execute-mode", "MODE", "eager, reduce-overhead or max-autotune (max-autotune)"},
          {"--autotune", "WHEN", "measure tile shapes: on, off, or cached: only use what was (on)"},
          {"--tile-cache", "FILE", "where they are kept (~/.cache/caravan/tiles.json)"},
          {"--device", "NAME", "cpu (the one device of this build)"},
          {"--tp", "N", "tensor-parallel ranks: 1 in this version"},
          {"--log-level", "LEVEL", "debug, info, warning or error, or 0 to 3 (warning)"},
      }};
  const std::vector<Option> quantize = quantize_options();
  group.options.insert(group.options.begin() + 3, quantize.begin(), quantize.end());
  return group;
}

std::vector<Alias> engine_aliases() {
  return {{"--is-bf16", "--dtype", "bf16"}, {"--exe-mode", "--execute-mode", ""}};
}

std::filesystem::path parse_model_path(const Arguments& arguments) {
  const std::optional<std::string> path = arguments.text("--model-path");
  if (!path.has_value()) fail("--model-path: is missing, expected the folder of a checkpoint or a GGUF file");
  require_model_path(*path, "--model-path");
  return *path;
}

EngineFlags parse_engine_flags(const Arguments& arguments) {
  if (const auto level = arguments.text("--log-level")) set_log_level(parse_log_level(*level, "--log-level"));
  refuse_unbuilt(arguments);
  EngineFlags flags;
  flags.model_path = parse_model_path(arguments);
  flags.load = parse_load_dtypes(arguments);
  const bool dummy = arguments.choice("--load-format", {"auto", "dummy"}) == "dummy";
  flags.load.format = dummy ? LoadFormat::kDummy : LoadFormat::kAuto;
  EngineOptions& engine = flags.engine;
  engine.threads = static_cast<int>(arguments.integer("--threads", 1, kMaxThreads).value_or(usable_cpus()));
  engine.execute_mode = parse_mode(arguments);
  parse_tuning(arguments, engine);
  flags.load.compile = engine.execute_mode != ExecuteMode::kEager;
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
