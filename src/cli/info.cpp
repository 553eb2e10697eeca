#include "cli/info.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <map>
#include <sstream>

#include "base/error.h"
#include "checkpoint/gguf/model_file.h"
#include "checkpoint/weight_store.h"
#include "cli/show/size_text.h"
#include "cli/system_info.h"
#include "models/config.h"
#include "models/precision.h"
#include "text/tokenizer.h"

namespace caravan::cli {

namespace {

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
  if (has_mlp) experts += ", but in " + text(static_cast<int64_t>(mixture.mlp_layers.size())) + " layers";
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

void print_memory(const ModelConfig& config) {
  std::vector<int64_t> contexts;
  for (const int64_t tokens : {int64_t{2048}, int64_t{8192}, int64_t{32768}}) {
    if (tokens < config.max_position) contexts.push_back(tokens);
  }
  contexts.push_back(config.max_position);
  std::cout << "memory by dtype: weights, then the KV cache of one sequence by its length in tokens\n";
  std::cout << "  " << std::left << std::setw(8) << "dtype" << std::right << std::setw(12) << "weights";
  for (const int64_t tokens : contexts) std::cout << std::setw(12) << tokens;
  std::cout << "\n";
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI8}) {
    // int8 is of KV caches only.
    const std::string weights =
        is_floating(dtype) ? size_text(static_cast<uint64_t>(config.parameters()) * size_of(dtype)) : "-";
    std::cout << "  " << std::left << std::setw(8) << name_of(dtype) << std::right << std::setw(12)
              << weights;
    for (const int64_t tokens : contexts) {
      std::cout << std::setw(12)
                << size_text(static_cast<uint64_t>(config.kv_bytes_per_token(dtype) * tokens));
    }
    std::cout << "\n";
  }
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

/// How many matrices are of each scheme, where any is quantised.
void print_schemes(const ModelConfig& config, WeightStore& store) {
  std::map<std::string, int64_t> counts;
  for (const auto& [name, format] : precision_of(config, store, {}).quantized)
    ++counts[scheme_name({{name, format}})];
  std::string text;
  for (const auto& [scheme, count] : counts)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " matrices " + scheme;
  if (!text.empty()) line("quantised", text);
}

void print_weights(const std::filesystem::path& folder, const ModelConfig& config) {
  try {
    WeightStore store = WeightStore::open(folder, LoadFormat::kAuto);
    std::string text;
    store.find_quantized(config.quantization);
    for (const auto& [dtype, bytes] : store.bytes_by_dtype()) {
      text += (text.empty() ? "" : ", ") + size_text(bytes) + " of " + dtype;
    }
    std::string types;
    for (const std::string& type : store.block_types()) types += (types.empty() ? "" : ", ") + type;
    if (!types.empty()) text += "; " + types + " blocks are expanded to bf16";
    line("weight files", text);
    print_schemes(config, store);
  } catch (const Error& error) {
    line("weight files", std::string("none that can be used: ") + error.what());
  }
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
      .usage = "MODEL | --system",
      .groups = {{"Options",
                  {{"--model-path", "PATH", "the same as MODEL: a checkpoint folder or a GGUF file"},
                   {"--system", "", "print what this machine is, instead or as well"}}}},
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
  std::cout << folder.string() << "\n";
  print_shape(config);
  const bool is_gguf = find_gguf(folder).has_value();
  line("dtype", std::string(name_of(config.dtype)) + (is_gguf ? " by its tensors" : " by config.json"));
  if (is_gguf) print_gguf(folder);
  print_weights(folder, config);
  print_tokenizer(folder);
  print_memory(config);
  std::cout.flush();
  if (!std::cout) fail("standard output: writing failed, expected it to stay open until the end");
  return 0;
}

}  // namespace caravan::cli
