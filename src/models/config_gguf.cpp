#include "models/config_gguf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>

#include "base/error.h"
#include "checkpoint/gguf/model_file.h"
#include "models/config_limits.h"
#include "models/config_mixture.h"

namespace caravan {

namespace {

constexpr HeadFields kLlamaHeads = {"llama.embedding_length", "llama.attention.head_count",
                                    "llama.attention.head_count_kv", "llama.attention.key_length"};
constexpr HeadFields kQwen2MoeHeads = {"qwen2moe.embedding_length", "qwen2moe.attention.head_count",
                                       "qwen2moe.attention.head_count_kv", "qwen2moe.attention.key_length"};

/// The metadata, and whose keys it has.
struct Metadata {
  const JsonObject& fields;
  GgufArchitecture architecture = GgufArchitecture::kLlama;

  [[nodiscard]] std::string key(std::string_view name) const { return gguf_key(architecture, name); }
};

/// The rotary divisors, which llama.cpp's converter works out for llama3's scaling.
constexpr const char* kDivisors = "rope_freqs.weight";

/// Control tokens that end a turn or a text whatever the keys say, as for llama.cpp: older converters wrote
/// the eos of the base model into chat models.
constexpr std::array<std::string_view, 8> kEndTexts = {"<|eot_id|>",      "<|im_end|>",    "<|end|>",
                                                       "<end_of_turn>",   "<|endoftext|>", "<|eom_id|>",
                                                       "<|end_of_text|>", "<EOT>"};
/// LLAMA_TOKEN_NULL, -1: there is no such token.
constexpr uint32_t kNoToken = UINT32_MAX;
/// What tokenizer.ggml.token_type says of control tokens.
constexpr int32_t kControlToken = 3;

int64_t read_vocab_size(const Metadata& metadata, const GgufHeader& header) {
  const std::string key = metadata.key("vocab_size");
  if (metadata.fields.has(key)) return metadata.fields.integer(key, 1, kMaxVocab);
  const GgufTensor* embedding = header.tensor("token_embd.weight");
  if (embedding == nullptr || embedding->shape.rank() != 2 || embedding->shape[0] < 1 ||
      embedding->shape[0] > kMaxVocab) {
    metadata.fields.wrong(key, "an integer, or a matrix \"token_embd.weight\" to count its rows");
  }
  return embedding->shape[0];
}

void refuse_unsupported(const Metadata& metadata, const ModelConfig& config) {
  const JsonObject& fields = metadata.fields;
  for (const char* name : {"attention.value_length", "rope.dimension_count"}) {
    const std::string key = metadata.key(name);
    if (fields.integer_or(key, 0, INT32_MAX, config.head_dim) != config.head_dim)
      fields.wrong(key, "the head size, which is " + std::to_string(config.head_dim));
  }
  for (const char* name : {"attention.scale", "rope.scaling.yarn_log_multiplier"}) {
    const std::string key = metadata.key(name);
    if (fields.number_or(key, -kMaxRopeFactor, kMaxRopeFactor, 0.0) != 0.0)
      fields.wrong(key, "no such field: Caravan computes attention without it");
  }
}

/// What a token attends to, in all layers.
int64_t read_sliding_window(const Metadata& metadata) {
  const std::string key = metadata.key("attention.sliding_window");
  const int64_t window = metadata.fields.integer_or(key, 0, kMaxPosition, 0);
  if (window != 0 && metadata.architecture == GgufArchitecture::kQwen2Moe)
    metadata.fields.wrong(key, "no such field: Caravan has no sliding window in a Qwen2MoeForCausalLM");
  return window;
}

void read_sizes(const Metadata& metadata, const GgufHeader& header, ModelConfig& config) {
  const auto size = [&metadata](const char* name, int64_t most) {
    return metadata.fields.integer(metadata.key(name), 1, most);
  };
  const HeadFields& heads = metadata.architecture == GgufArchitecture::kLlama ? kLlamaHeads : kQwen2MoeHeads;
  config.hidden_size = size("embedding_length", kMaxWidth);
  config.intermediate_size = size("feed_forward_length", kMaxWidth);
  config.num_layers = size("block_count", kMaxLayers);
  config.num_heads = size("attention.head_count", kMaxWidth);
  config.max_position = size("context_length", kMaxPosition);
  config.num_kv_heads = read_kv_heads(metadata.fields, heads, config, config.num_heads);
  config.head_dim = read_head_dim(metadata.fields, heads, config);
  config.vocab_size = read_vocab_size(metadata, header);
  config.sliding_window = read_sliding_window(metadata);
  config.rms_norm_eps =
      metadata.fields.number(metadata.key("attention.layer_norm_rms_epsilon"), kMinEpsilon, kMaxEpsilon);
  config.mixture = read_gguf_mixture(metadata.fields, metadata.architecture, config);
}

std::vector<float> read_divisors(const GgufTensor& tensor, std::span<const std::byte> data,
                                 const ModelConfig& config, const std::string& source) {
  const std::string where = source + ": the tensor " + in_quotes(tensor.name);
  const Shape expected = {config.head_dim / 2};
  if (tensor.type != GgmlType::kF32 || tensor.shape != expected) {
    fail(where, " is ", info_of(tensor.type).name, " of shape ", tensor.shape, ", expected F32 of shape ",
         expected);
  }
  std::vector<float> divisors(static_cast<size_t>(tensor.shape[0]));
  std::memcpy(divisors.data(), data.data() + tensor.begin, tensor.end - tensor.begin);
  for (const float divisor : divisors) {
    if (!(divisor > 0.0F) || !std::isfinite(divisor))
      fail(where, " holds ", divisor, ", expected numbers above 0");
  }
  return divisors;
}

void read_yarn(const Metadata& metadata, RopeConfig& rope) {
  const JsonObject& fields = metadata.fields;
  const auto key = [&metadata](const char* name) { return metadata.key("rope.scaling.") + name; };
  rope.original_max_position =
      fields.integer_or(key("original_context_length"), 1, kMaxPosition, rope.original_max_position);
  rope.beta_fast = fields.number_or(key("yarn_beta_fast"), 0.0, kMaxRopeFactor, rope.beta_fast);
  rope.beta_slow = fields.number_or(key("yarn_beta_slow"), 0.0, kMaxRopeFactor, rope.beta_slow);
  if (rope.beta_fast < rope.beta_slow)
    fields.wrong(key("yarn_beta_fast"), "a number that is at least yarn_beta_slow");
  if (fields.number_or(key("yarn_ext_factor"), -kMaxRopeFactor, kMaxRopeFactor, 1.0) != 1.0)
    fields.wrong(key("yarn_ext_factor"), "1: Caravan blends the frequencies in full");
  const std::string own = fields.has(key("yarn_attn_factor")) ? key("yarn_attn_factor") : key("attn_factor");
  rope.attention_factor = fields.number_or(own, 0.0, kMaxRopeFactor, 1.0) * yarn_mscale(rope.factor, 1.0);
}

void read_rope(const Metadata& metadata, const GgufHeader& header, std::span<const std::byte> data,
               ModelConfig& config) {
  const JsonObject& fields = metadata.fields;
  const std::string type_key = metadata.key("rope.scaling.type");
  RopeConfig& rope = config.rope;
  rope.theta = fields.number_or(metadata.key("rope.freq_base"), kMinTheta, kMaxTheta, rope.theta);
  rope.original_max_position = config.max_position;
  const std::string type = fields.string_or(type_key, "none");
  // The key of files from before scaling had types.
  const double old_factor = fields.number_or(metadata.key("rope.scale_linear"), 1.0, kMaxRopeFactor, 1.0);
  const bool is_linear = type == "linear" || (type == "none" && old_factor != 1.0);
  if (type != "none" && type != "linear" && type != "yarn") fields.wrong(type_key, "none, linear or yarn");
  if (is_linear || type == "yarn") {
    rope.scaling = is_linear ? RopeScaling::kLinear : RopeScaling::kYarn;
    rope.factor =
        type == "none" ? old_factor : fields.number(metadata.key("rope.scaling.factor"), 1.0, kMaxRopeFactor);
  }
  if (rope.scaling == RopeScaling::kYarn) read_yarn(metadata, rope);
  const GgufTensor* divisors = header.tensor(kDivisors);
  if (divisors == nullptr) return;
  if (rope.scaling != RopeScaling::kNone) {
    fields.wrong(type_key,
                 std::string("none beside the tensor \"") + kDivisors + "\", which scales by itself");
  }
  rope.scaling = RopeScaling::kDivisors;
  rope.divisors = read_divisors(*divisors, data, config, fields.source());
}

void add_end(ModelConfig& config, int32_t token) {
  if (std::find(config.eos_tokens.begin(), config.eos_tokens.end(), token) == config.eos_tokens.end())
    config.eos_tokens.push_back(token);
}

void read_tokens(const JsonObject& fields, const GgufHeader& header, ModelConfig& config) {
  const auto token = [&](const char* name) -> std::optional<int32_t> {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    const Json* value = fields.find(key);
    if (value == nullptr || *value == kNoToken) return std::nullopt;
    return read_token_id(fields, key, *value, config);
  };
  config.bos_token = token("bos");
  for (const char* name : {"eos", "eot", "eom"}) {
    if (const std::optional<int32_t> end = token(name)) add_end(config, *end);
  }
  const auto texts = gguf_strings(header, "tokenizer.ggml.tokens", fields.source());
  const auto types = gguf_integers(header, "tokenizer.ggml.token_type", fields.source());
  if (!texts || !types) return;
  const size_t count = std::min({texts->size(), types->size(), static_cast<size_t>(config.vocab_size)});
  for (size_t id = 0; id < count; ++id) {
    if ((*types)[id] == kControlToken &&
        std::find(kEndTexts.begin(), kEndTexts.end(), (*texts)[id]) != kEndTexts.end())
      add_end(config, static_cast<int32_t>(id));
  }
}

/// The dtype of most elements; bf16 for blocks.
DType most_common_dtype(const GgufHeader& header) {
  std::array<int64_t, kDTypeCount> elements{};
  for (const GgufTensor& tensor : header.tensors) {
    const DType dtype = dtype_of(tensor.type).value_or(DType::kBF16);
    if (is_floating(dtype)) elements.at(static_cast<size_t>(dtype)) += tensor.shape.elements();
  }
  return static_cast<DType>(std::max_element(elements.begin(), elements.end()) - elements.begin());
}

/// Layers that have an MLP in the place of a mixture: no key says so, but their tensors do.
void read_mlp_layers(const GgufHeader& header, ModelConfig& config) {
  if (!config.mixture) return;
  std::set<std::string_view> names;
  for (const GgufTensor& tensor : header.tensors) names.insert(tensor.name);
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    const std::string prefix = "blk." + std::to_string(layer);
    if (names.contains(prefix + ".ffn_gate.weight") && !names.contains(prefix + ".ffn_gate_inp.weight"))
      config.mixture->mlp_layers.insert(layer);
  }
}

/// As the config.json of the model has it.
std::string architecture_name(GgufArchitecture architecture, const ModelConfig& config) {
  if (architecture == GgufArchitecture::kQwen2Moe) return "Qwen2MoeForCausalLM";
  if (config.mixture) return "MixtralForCausalLM";
  return config.sliding_window > 0 ? "MistralForCausalLM" : "LlamaForCausalLM";
}

}  // namespace

ModelConfig config_of_gguf(const GgufHeader& header, std::span<const std::byte> data,
                           const std::string& source) {
  const Json json = gguf_fields(header);
  const JsonObject fields(json, source);
  const Metadata metadata = {fields, architecture_of(fields)};
  ModelConfig config;
  read_sizes(metadata, header, config);
  read_mlp_layers(header, config);
  refuse_unsupported(metadata, config);
  read_rope(metadata, header, data, config);
  config.architecture = architecture_name(metadata.architecture, config);
  config.tie_word_embeddings = header.tensor("output.weight") == nullptr;
  config.attention_bias = header.tensor("blk.0.attn_q.bias") != nullptr;
  config.output_bias = header.tensor("blk.0.attn_output.bias") != nullptr;
  // Experts have none.
  config.mlp_bias = !config.mixture && header.tensor("blk.0.ffn_gate.bias") != nullptr;
  config.dtype = most_common_dtype(header);
  read_tokens(fields, header, config);
  return config;
}

}  // namespace caravan
