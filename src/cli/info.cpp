#include "cli/info.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "checkpoint/gguf/model_file.h"
#include "checkpoint/weight_store.h"
#include "cli/flags/quantize_flags.h"
#include "cli/schemes.h"
#include "cli/show/size_text.h"
#include "cli/show/table.h"
#include "cli/system_info.h"
#include "graph/cost.h"
#include "graph/passes/passes.h"
#include "models/config.h"
#include "models/precision.h"
#include "models/record.h"
#include "text/tokenizer.h"

namespace caravan::cli {

namespace {

/// Far above any batch.
constexpr int64_t kMaxSequences = 65536;
/// Tokens of a sequence whose memory is told where nobody asks for others.
constexpr int64_t kUsualTokens = 2048;

void line(const std::string& name, const std::string& value) {
  std::cout << "  " << std::left << std::setw(18) << name << value << "\n";
}

std::string rope_text(const RopeConfig& rope) {
  std::ostringstream out;
  out << "theta " << rope.theta;
  switch (rope.scaling) {
    case RopeScaling::kNone:
      return out.str();
    case RopeScaling::kLinear:
      out << ", linear";
      break;
    case RopeScaling::kDynamic:
      out << ", dynamic";
      break;
    case RopeScaling::kLlama3:
      out << ", llama3";
      break;
    case RopeScaling::kYarn:
      out << ", yarn";
      break;
    case RopeScaling::kDivisors:
      out << ", each frequency divided by its own number, up to "
          << *std::max_element(rope.divisors.begin(), rope.divisors.end());
      return out.str();
  }
  out << " scaling by " << rope.factor;
  if (rope.original_max_position > 0) out << " from " << rope.original_max_position << " tokens";
  return out.str();
}

void print_sizes(const ModelConfig& config) {
  const auto text = [](int64_t number) { return std::to_string(number); };
  const bool has_mlp = !config.mixture || !config.mixture->mlp_layers.empty();
  line("hidden size", text(config.hidden_size) + (has_mlp ? ", MLP " + text(config.intermediate_size) : ""));
  if (!config.mixture) return;
  const MixtureConfig& mixture = *config.mixture;
  std::string experts = text(mixture.experts) + " of " + text(mixture.intermediate_size) + ", " +
                        text(mixture.chosen) + " for each token";
  if (mixture.shared_intermediate_size > 0)
    experts += ", and one of " + text(mixture.shared_intermediate_size) + " for all";
  const auto mlps = static_cast<int64_t>(mixture.mlp_layers.size());
  if (has_mlp) experts += "; in " + text(mlps) + (mlps == 1 ? " layer" : " layers") + " an MLP instead";
  line("experts", experts);
}

void print_shape(const ModelConfig& config) {
  const auto text = [](int64_t number) { return std::to_string(number); };
  line("architecture", config.architecture);
  line("layers", text(config.num_layers));
  print_sizes(config);
  line("heads", text(config.num_heads) + " of " + text(config.head_dim) + ", " + text(config.num_kv_heads) +
                    " for keys and values");
  line("vocabulary", text(config.vocab_size) + (config.tie_word_embeddings ? ", embeddings tied" : ""));
  std::string context = text(config.max_position) + " tokens";
  if (config.sliding_window > 0) context += ", attention to the last " + text(config.sliding_window);
  line("context", context);
  line("rope", rope_text(config.rope));
  if (config.attention_bias || config.mlp_bias) {
    line("biases", std::string(config.attention_bias ? "attention " : "") + (config.mlp_bias ? "MLP" : ""));
  }
  const std::string active =
      config.mixture ? ", of which a token uses " + text(config.active_parameters()) : "";
  line("parameters", text(config.parameters()) + active);
}

/// Bytes of the weights as the compiled modes have them in memory.
uint64_t loaded_bytes(const ModelConfig& config, const Precision& precision) {
  Graph graph = record_model(config, precision);
  run_passes(graph);
  return weight_bytes(graph);
}

/// A batch whose memory is asked for.
struct Batch {
  int64_t sequences = 1;
  int64_t tokens = 0;  ///< of each

  [[nodiscard]] uint64_t kv_bytes(const ModelConfig& config, DType dtype) const {
    return static_cast<uint64_t>(sequences) * static_cast<uint64_t>(tokens) *
           static_cast<uint64_t>(config.kv_bytes_per_token(dtype));
  }
};

/// "w8a8" or "bf16", and the dtype of the KV cache.
std::string dtypes_text(const Precision& precision) {
  const std::string weights = precision.quantized.empty() ? std::string(name_of(precision.weights))
                                                          : scheme_name(precision.quantized);
  return weights + "/" + std::string(name_of(precision.kv_cache));
}

/// What a batch takes as the model is loaded, and how much of what it would take with nothing quantised.
void print_batch(const ModelConfig& config, const Precision& precision, const Batch& batch) {
  const uint64_t weights = loaded_bytes(config, precision);
  const uint64_t cache = batch.kv_bytes(config, precision.kv_cache);
  std::cout << batch.sequences << (batch.sequences == 1 ? " sequence of " : " sequences of ") << batch.tokens
            << " tokens as " << dtypes_text(precision) << ": " << size_text(weights) << " + "
            << size_text(cache) << " = " << size_text(weights + cache);
  const bool is_plain = precision.quantized.empty() && precision.kv_cache == precision.weights;
  if (!is_plain) {
    const Precision plain = {precision.weights, precision.weights, {}};
    const uint64_t whole = loaded_bytes(config, plain) + batch.kv_bytes(config, plain.kv_cache);
    std::cout << ", " << std::fixed << std::setprecision(3)
              << static_cast<double>(weights + cache) / static_cast<double>(whole) << " of the "
              << size_text(whole) << " as " << dtypes_text(plain);
  }
  std::cout << "\n";
}

void print_memory(const ModelConfig& config, const std::optional<Precision>& precision) {
  std::vector<int64_t> contexts;
  for (const int64_t tokens : {int64_t{2048}, int64_t{8192}, int64_t{32768}}) {
    if (tokens < config.max_position) contexts.push_back(tokens);
  }
  contexts.push_back(config.max_position);
  std::cout << "memory by dtype: weights, then the KV cache of one sequence by its length in tokens\n";
  const auto print = [](const std::string& name, const std::string& weights, const auto& caches) {
    TableLine row;
    row.left("  " + name, 16).right(weights, 12);
    for (const std::string& cache : caches) row.right(cache, 12);
    std::cout << row.text() << "\n";
  };
  const auto caches_in = [&](DType dtype) {
    std::vector<std::string> texts;
    texts.reserve(contexts.size());
    for (const int64_t tokens : contexts)
      texts.push_back(size_text(Batch{1, tokens}.kv_bytes(config, dtype)));
    return texts;
  };
  std::vector<std::string> head;
  head.reserve(contexts.size());
  for (const int64_t tokens : contexts) head.push_back(std::to_string(tokens));
  print("dtype", "weights", head);
  if (precision)
    print("as loaded", size_text(loaded_bytes(config, *precision)), caches_in(precision->kv_cache));
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16})
    print(std::string(name_of(dtype)), size_text(loaded_bytes(config, {dtype, dtype, {}})), caches_in(dtype));
  // Of KV caches only: weights in 8 bits are of a scheme.
  print(std::string(name_of(DType::kI8)), "-", caches_in(DType::kI8));
}

/// What a GGUF file says of itself.
void print_gguf(const std::filesystem::path& model_path) {
  const GgufFile gguf = open_gguf(find_gguf(model_path).value());
  const Json json = gguf_fields(gguf.header);
  const JsonObject fields(json, gguf.file.path().string());
  const std::string name = fields.string_or("general.name", "");
  line("file", "GGUF version " + std::to_string(gguf.header.version) + ", " +
                   std::to_string(gguf.header.metadata.size()) + " metadata fields, " +
                   std::to_string(gguf.header.tensors.size()) + " tensors" +
                   (name.empty() ? "" : ", " + in_quotes(name)));
}

/// What the matrices are stored in, layer by layer.
void print_schemes(const ModelConfig& config, const Precision& precision) {
  std::string name = "matrices";
  for (const SchemeLine& each : schemes_by_layer(record_model(config, precision)))
    line(std::exchange(name, ""), each.where + ": " + each.what);
  line("KV cache", std::string(name_of(precision.kv_cache)));
}

/// What the checkpoint is loaded in where `options` are asked for, its weight files being there or not;
/// nothing where only they could tell.
std::optional<Precision> print_weights(const std::filesystem::path& folder, const ModelConfig& config,
                                       const LoadOptions& options) {
  std::optional<WeightStore> store;
  try {
    store = WeightStore::open(folder, LoadFormat::kAuto);
    std::string text;
    store->find_quantized(config.quantization);
    for (const auto& [dtype, bytes] : store->bytes_by_dtype()) {
      text += (text.empty() ? "" : ", ") + size_text(bytes) + " of " + dtype;
    }
    line("weight files", text);
  } catch (const Error& error) {
    line("weight files", std::string("none that can be used: ") + error.what());
    if (config.quantization) return std::nullopt;
    store = WeightStore::open(folder, LoadFormat::kDummy);
  }
  Precision precision = precision_of(config, *store, options);
  print_schemes(config, precision);
  return precision;
}

void print_tokenizer(const std::filesystem::path& folder) {
  const std::optional<Tokenizer> tokenizer = load_tokenizer(folder);
  if (!tokenizer.has_value()) {
    line("tokenizer", "none: the checkpoint runs from --input-ids");
    return;
  }
  line("tokenizer", tokenizer->kind() + ", " + std::to_string(tokenizer->vocab_size()) + " tokens");
  line("chat template", tokenizer->chat_template().has_value() ? "yes: --chat applies it" : "none");
}

}  // namespace

const Command& info_command() {
  static const Command kCommand = {
      .name = "info",
      .summary = "Prints what a checkpoint is: architecture, sizes, dtype, memory, tokenizer.",
      .usage = "MODEL [options] | --system",
      .groups = {{"Options",
                  {{"--model-path", "PATH", "the same as MODEL: a checkpoint folder or a GGUF file"},
                   {"--system", "", "print what this machine is, instead or as well"}}},
                 {"What it would be loaded in, and for what",
                  {dtype_option(),
                   kv_cache_dtype_option(),
                   {"--batch-size", "N", "sequences whose memory is told (1)"},
                   {"--tokens", "N", "tokens of each (2048, or the context)"}}},
                 {"Quantisation", quantize_options()}},
      .aliases = {},
      .positional = "MODEL",
  };
  return kCommand;
}

int info(const std::vector<std::string>& words) {
  const Arguments arguments(info_command(), words);
  const bool system = arguments.is_on("--system");
  if (system) print_system(std::cout);
  const std::optional<std::string> flag = arguments.text("--model-path");
  if (system && !flag.has_value() && !arguments.positional().has_value()) return 0;
  if (flag.has_value() == arguments.positional().has_value()) {
    fail("caravan info: expected one checkpoint folder or GGUF file, as in caravan info models/demo");
  }
  const std::filesystem::path folder = flag.value_or(arguments.positional().value_or(""));
  require_model_path(folder, "caravan info");
  const ModelConfig config = load_config(folder);
  const LoadOptions options = parse_load_dtypes(arguments);
  const Batch batch = {arguments.integer("--batch-size", 1, kMaxSequences).value_or(1),
                       arguments.integer("--tokens", 1, config.max_position)
                           .value_or(std::min(kUsualTokens, config.max_position))};
  std::cout << folder.string() << "\n";
  print_shape(config);
  const bool is_gguf = find_gguf(folder).has_value();
  line("dtype", std::string(name_of(config.dtype)) + (is_gguf ? " by its tensors" : " by config.json"));
  if (is_gguf) print_gguf(folder);
  const std::optional<Precision> precision = print_weights(folder, config, options);
  print_tokenizer(folder);
  print_memory(config, precision);
  if (precision) print_batch(config, *precision, batch);
  std::cout.flush();
  if (!std::cout) fail("standard output: writing failed, expected it to stay open until the end");
  return 0;
}

}  // namespace caravan::cli
