#include "models/config.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "checkpoint/gguf/model_file.h"
#include "models/config_gguf.h"
#include "models/config_limits.h"
#include "models/config_mixture.h"
#include "models/config_rope.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

/// Configs are a few kilobytes; some carry label maps.
constexpr uint64_t kMaxConfigBytes = 10'000'000;

/// What an architecture does with a sliding window.
enum class Window : uint8_t {
  kNone,
  kUsed,
  kRefused,  ///< the field use_sliding_window asks for one, in some layers only
};

/// What differs between the architectures, as transformers' config classes default it.
struct Architecture {
  std::string_view name;
  std::string_view model_type;
  int64_t num_kv_heads = 0;  ///< where the config has none; 0: as many as heads
  int64_t max_position = 2048;
  Window window = Window::kNone;
  int64_t sliding_window = 0;
  double theta = 10000.0;
  double rms_norm_eps = 1e-6;
  MixtureKind mixture = MixtureKind::kNone;
};

constexpr std::array<Architecture, 4> kArchitectures = {{
    {.name = "LlamaForCausalLM", .model_type = "llama"},
    {.name = "MistralForCausalLM",
     .model_type = "mistral",
     .num_kv_heads = 8,
     .max_position = 131072,
     .window = Window::kUsed,
     .sliding_window = 4096},
    {.name = "MixtralForCausalLM",
     .model_type = "mixtral",
     .num_kv_heads = 8,
     .max_position = 131072,
     .window = Window::kUsed,
     .theta = 1e6,
     .rms_norm_eps = 1e-5,
     .mixture = MixtureKind::kMixtral},
    {.name = "Qwen2MoeForCausalLM",
     .model_type = "qwen2_moe",
     .num_kv_heads = 16,
     .max_position = 32768,
     .window = Window::kRefused,
     .mixture = MixtureKind::kQwen2Moe},
}};

/// How the first conversions of LLaMA 1 spelled it.
constexpr std::string_view kOldLlama = "LLaMAForCausalLM";

constexpr HeadFields kHeadFields = {"hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"};

/// "A, B or C" of one field of each architecture.
std::string supported(std::string_view Architecture::*field) {
  std::string names;
  for (const Architecture& each : kArchitectures) {
    const bool last = &each == &kArchitectures.back();
    names += (names.empty() ? "" : last ? " or " : ", ") + std::string(each.*field);
  }
  return names;
}

const Architecture& read_architecture(const JsonObject& root) {
  const Json* list = root.array("architectures");
  if (list == nullptr || list->empty()) {
    const std::string type = root.string("model_type");
    for (const Architecture& each : kArchitectures) {
      if (type == each.model_type) return each;
    }
    root.wrong("model_type", supported(&Architecture::model_type) + ", the types that Caravan supports");
  }
  const Json& first = list->front();
  const std::string name = first.is_string() ? first.get<std::string>() : "";
  for (const Architecture& each : kArchitectures) {
    if (name == each.name || (name == kOldLlama && &each == kArchitectures.data())) return each;
  }
  fail(root.source(), ": field \"architectures\" names ", describe(first), ", expected ",
       supported(&Architecture::name), ", the architectures that Caravan supports");
}

/// Things that would change the arithmetic and that Caravan does not do.
void refuse_unsupported(const JsonObject& root) {
  const std::string activation = root.string_or("hidden_act", "silu");
  if (activation != "silu" && activation != "swish")
    root.wrong("hidden_act", "silu, the only activation that Caravan supports");
}

void read_sizes(const JsonObject& root, const Architecture& architecture, ModelConfig& config) {
  config.hidden_size = root.integer("hidden_size", 1, kMaxWidth);
  config.intermediate_size = root.integer("intermediate_size", 1, kMaxWidth);
  config.num_layers = root.integer("num_hidden_layers", 1, kMaxLayers);
  config.num_heads = root.integer("num_attention_heads", 1, kMaxWidth);
  config.vocab_size = root.integer("vocab_size", 1, kMaxVocab);
  config.max_position =
      root.integer_or("max_position_embeddings", 1, kMaxPosition, architecture.max_position);

  // Null means one per query head; only a field that is not there takes the architecture's own default.
  const bool is_there = root.json().contains("num_key_value_heads");
  const int64_t usual =
      is_there || architecture.num_kv_heads == 0 ? config.num_heads : architecture.num_kv_heads;
  config.num_kv_heads = read_kv_heads(root, kHeadFields, config, usual);
  config.head_dim = read_head_dim(root, kHeadFields, config);
}

DType read_dtype(const JsonObject& root) {
  const std::string field = root.has("dtype") ? "dtype" : "torch_dtype";
  const std::optional<DType> dtype = dtype_from_name(root.string_or(field, "float32"));
  if (!dtype || !is_floating(*dtype)) root.wrong(field, "float32, float16 or bfloat16");
  return *dtype;
}

int64_t read_sliding_window(const JsonObject& root, const Architecture& architecture) {
  if (architecture.window != Window::kUsed) {
    if (architecture.window == Window::kRefused && root.boolean_or("use_sliding_window", false)) {
      root.wrong("use_sliding_window", "false: Caravan has no sliding window in some layers of a " +
                                           std::string(architecture.name) + " only");
    }
    if (architecture.window == Window::kNone && root.has("sliding_window")) {
      log(LogLevel::kInfo, root.source(), ": ", architecture.name,
          " has no sliding window, so its field is not used");
    }
    return 0;
  }
  if (!root.boolean_or("use_sliding_window", true)) return 0;
  const bool is_there = root.json().contains("sliding_window");
  return root.integer_or("sliding_window", 1, kMaxPosition, is_there ? 0 : architecture.sliding_window);
}

/// Newer configs may give each layer its kind of attention; here all have the same.
void check_layer_types(const JsonObject& root, int64_t sliding_window) {
  const Json* types = root.array("layer_types");
  if (types == nullptr) return;
  const char* expected = sliding_window == 0 ? "full_attention" : "sliding_attention";
  const bool all =
      std::all_of(types->begin(), types->end(), [expected](const Json& type) { return type == expected; });
  if (!all) root.wrong("layer_types", std::string("every layer to be ") + expected);
}

void read_biases(const JsonObject& root, const Architecture& architecture, ModelConfig& config) {
  if (architecture.mixture == MixtureKind::kQwen2Moe) {
    config.attention_bias = root.boolean_or("qkv_bias", true);
    return;
  }
  config.attention_bias = root.boolean_or("attention_bias", false);
  config.output_bias = config.attention_bias;
  config.mlp_bias = root.boolean_or("mlp_bias", false);
  if (config.mlp_bias && config.mixture) root.wrong("mlp_bias", "false, because experts have no biases");
}

void read_tokens(const JsonObject& root, ModelConfig& config) {
  if (const Json* bos = root.find("bos_token_id"))
    config.bos_token = read_token_id(root, "bos_token_id", *bos, config);
  const Json* eos = root.find("eos_token_id");
  if (eos == nullptr) return;
  if (!eos->is_array()) {
    config.eos_tokens.push_back(read_token_id(root, "eos_token_id", *eos, config));
    return;
  }
  for (const Json& each : *eos)
    config.eos_tokens.push_back(read_token_id(root, "eos_token_id", each, config));
}

}  // namespace

ModelConfig parse_config(std::string_view text, const std::string& source) {
  const Json json = parse_json(text, source);
  const JsonObject root(json, source);
  const Architecture& architecture = read_architecture(root);
  refuse_unsupported(root);

  ModelConfig config;
  config.architecture = architecture.name;
  read_sizes(root, architecture, config);
  config.mixture = read_mixture(root, architecture.mixture, config);
  config.rope.theta = architecture.theta;
  read_rope(root, config);
  config.rms_norm_eps = root.number_or("rms_norm_eps", kMinEpsilon, kMaxEpsilon, architecture.rms_norm_eps);
  config.tie_word_embeddings = root.boolean_or("tie_word_embeddings", false);
  read_biases(root, architecture, config);
  config.sliding_window = read_sliding_window(root, architecture);
  check_layer_types(root, config.sliding_window);
  config.dtype = read_dtype(root);
  config.quantization = parse_quantization_config(json, source);
  read_tokens(root, config);
  return config;
}

ModelConfig load_config(const fs::path& model_path) {
  if (const std::optional<fs::path> path = find_gguf(model_path)) {
    const GgufFile gguf = open_gguf(*path);
    return config_of_gguf(gguf.header, gguf.file.bytes().subspan(gguf.header.data_start), path->string());
  }
  require_folder(model_path, "model path");
  const fs::path path = model_path / "config.json";
  return parse_config(read_file(path, kMaxConfigBytes), path.string());
}

const KvCacheQuant* ModelConfig::kv_cache_quant() const {
  const auto* config = quantization ? std::get_if<CompressedTensorsConfig>(&*quantization) : nullptr;
  return config != nullptr && config->kv_cache ? &*config->kv_cache : nullptr;
}

int64_t ModelConfig::parameters() const { return parameters_with(mixture ? mixture->experts : 0); }

int64_t ModelConfig::active_parameters() const { return parameters_with(mixture ? mixture->chosen : 0); }

int64_t ModelConfig::parameters_with(int64_t experts) const {
  const int64_t q_width = num_heads * head_dim;
  const int64_t kv_width = num_kv_heads * head_dim;
  int64_t layer = 2 * hidden_size;                      // the two norms
  layer += hidden_size * (2 * q_width + 2 * kv_width);  // q, o, k, v
  if (attention_bias) layer += q_width + 2 * kv_width;
  if (output_bias) layer += hidden_size;
  int64_t mlp = 3 * hidden_size * intermediate_size;  // gate, up, down
  if (mlp_bias) mlp += 2 * intermediate_size + hidden_size;
  const int64_t tables = tie_word_embeddings ? 1 : 2;
  const int64_t outside = tables * vocab_size * hidden_size + hidden_size;
  if (!mixture) return num_layers * (layer + mlp) + outside;

  int64_t experts_of_layer = hidden_size * mixture->experts;  // what they are chosen by
  experts_of_layer += 3 * hidden_size * experts * mixture->intermediate_size;
  const int64_t shared = mixture->shared_intermediate_size;
  if (shared > 0) experts_of_layer += 3 * hidden_size * shared + hidden_size;
  const auto mlps = static_cast<int64_t>(mixture->mlp_layers.size());
  return num_layers * layer + mlps * mlp + (num_layers - mlps) * experts_of_layer + outside;
}

int64_t ModelConfig::kv_bytes_per_token(DType kv_dtype) const {
  return num_layers * 2 * num_kv_heads * kv_slot_elements(head_dim, kv_dtype) *
         static_cast<int64_t>(size_of(kv_dtype));
}

}  // namespace caravan
