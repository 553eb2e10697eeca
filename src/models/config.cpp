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
#include "models/config_rope.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

/// Configs are a few kilobytes; some carry label maps.
constexpr uint64_t kMaxConfigBytes = 10'000'000;

/// What differs between the architectures, as transformers' config classes default it.
struct Architecture {
  std::string_view name;
  std::string_view model_type;
  int64_t num_kv_heads;  ///< where the config has none; 0: as many as heads
  int64_t max_position;
  bool has_window;
  int64_t sliding_window;
};

constexpr std::array<Architecture, 2> kArchitectures = {{
    {"LlamaForCausalLM", "llama", 0, 2048, false, 0},
    {"MistralForCausalLM", "mistral", 8, 131072, true, 4096},
}};

/// How the first conversions of LLaMA 1 spelled it.
constexpr std::string_view kOldLlama = "LLaMAForCausalLM";

constexpr HeadFields kHeadFields = {"hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"};

std::string supported_names() {
  std::string names;
  for (const Architecture& each : kArchitectures)
    names += (names.empty() ? "" : " or ") + std::string(each.name);
  return names;
}

const Architecture& read_architecture(const JsonObject& root) {
  const Json* list = root.array("architectures");
  if (list == nullptr || list->empty()) {
    const std::string type = root.string("model_type");
    for (const Architecture& each : kArchitectures) {
      if (type == each.model_type) return each;
    }
    root.wrong("model_type", "llama or mistral, the types that Caravan supports");
  }
  const Json& first = list->front();
  const std::string name = first.is_string() ? first.get<std::string>() : "";
  for (const Architecture& each : kArchitectures) {
    if (name == each.name || (name == kOldLlama && &each == kArchitectures.data())) return each;
  }
  fail(root.source(), ": field \"architectures\" names ", describe(first), ", expected ", supported_names(),
       ", the architectures that Caravan supports");
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
  if (!architecture.has_window) {
    if (root.has("sliding_window")) {
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
  read_rope(root, config);
  config.rms_norm_eps = root.number_or("rms_norm_eps", kMinEpsilon, kMaxEpsilon, config.rms_norm_eps);
  config.tie_word_embeddings = root.boolean_or("tie_word_embeddings", false);
  config.attention_bias = root.boolean_or("attention_bias", false);
  config.mlp_bias = root.boolean_or("mlp_bias", false);
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

int64_t ModelConfig::parameters() const {
  const int64_t q_width = num_heads * head_dim;
  const int64_t kv_width = num_kv_heads * head_dim;
  int64_t layer = 2 * hidden_size;                      // the two norms
  layer += hidden_size * (2 * q_width + 2 * kv_width);  // q, o, k, v
  layer += 3 * hidden_size * intermediate_size;         // gate, up, down
  if (attention_bias) layer += q_width + 2 * kv_width + hidden_size;
  if (mlp_bias) layer += 2 * intermediate_size + hidden_size;
  const int64_t tables = tie_word_embeddings ? 1 : 2;
  return num_layers * layer + tables * vocab_size * hidden_size + hidden_size;
}

int64_t ModelConfig::kv_bytes_per_token(DType kv_dtype) const {
  return num_layers * 2 * num_kv_heads * kv_slot_elements(head_dim, kv_dtype) *
         static_cast<int64_t>(size_of(kv_dtype));
}

}  // namespace caravan
