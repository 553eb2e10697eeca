#include "models/config_gguf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "checkpoint/gguf/model_file.h"
#include "models/config_limits.h"

namespace caravan {

namespace {

constexpr HeadFields kHeadFields = {"llama.embedding_length", "llama.attention.head_count",
                                    "llama.attention.head_count_kv", "llama.attention.key_length"};

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

int64_t read_vocab_size(const JsonObject& fields, const GgufHeader& header) {
  if (fields.has("llama.vocab_size")) return fields.integer("llama.vocab_size", 1, kMaxVocab);
  const GgufTensor* embedding = header.tensor("token_embd.weight");
  if (embedding == nullptr || embedding->shape.rank() != 2 || embedding->shape[0] < 1 ||
      embedding->shape[0] > kMaxVocab) {
    fields.wrong("llama.vocab_size", "an integer, or a matrix \"token_embd.weight\" to count its rows");
  }
  return embedding->shape[0];
}

void refuse_unsupported(const JsonObject& fields, const ModelConfig& config) {
  if (fields.integer_or("llama.expert_count", 0, INT32_MAX, 0) != 0)
    fields.wrong("llama.expert_count", "0: Caravan reads mixtures of experts from Hugging Face folders only");
  for (const char* name : {"llama.attention.value_length", "llama.rope.dimension_count"}) {
    if (fields.integer_or(name, 0, INT32_MAX, config.head_dim) != config.head_dim)
      fields.wrong(name, "the head size, which is " + std::to_string(config.head_dim));
  }
  for (const char* name : {"llama.attention.scale", "llama.rope.scaling.yarn_log_multiplier"}) {
    if (fields.number_or(name, -kMaxRopeFactor, kMaxRopeFactor, 0.0) != 0.0)
      fields.wrong(name, "no such field: Caravan computes attention without it");
  }
}

void read_sizes(const JsonObject& fields, const GgufHeader& header, ModelConfig& config) {
  config.hidden_size = fields.integer("llama.embedding_length", 1, kMaxWidth);
  config.intermediate_size = fields.integer("llama.feed_forward_length", 1, kMaxWidth);
  config.num_layers = fields.integer("llama.block_count", 1, kMaxLayers);
  config.num_heads = fields.integer("llama.attention.head_count", 1, kMaxWidth);
  config.max_position = fields.integer("llama.context_length", 1, kMaxPosition);
  config.num_kv_heads = read_kv_heads(fields, kHeadFields, config, config.num_heads);
  config.head_dim = read_head_dim(fields, kHeadFields, config);
  config.vocab_size = read_vocab_size(fields, header);
  config.sliding_window = fields.integer_or("llama.attention.sliding_window", 0, kMaxPosition, 0);
  config.rms_norm_eps = fields.number("llama.attention.layer_norm_rms_epsilon", kMinEpsilon, kMaxEpsilon);
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

void read_yarn(const JsonObject& fields, RopeConfig& rope) {
  const auto key = [](const char* name) { return std::string("llama.rope.scaling.") + name; };
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

void read_rope(const JsonObject& fields, const GgufHeader& header, std::span<const std::byte> data,
               ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.theta = fields.number_or("llama.rope.freq_base", kMinTheta, kMaxTheta, rope.theta);
  rope.original_max_position = config.max_position;
  const std::string type = fields.string_or("llama.rope.scaling.type", "none");
  // The key of files from before scaling had types.
  const double old_factor = fields.number_or("llama.rope.scale_linear", 1.0, kMaxRopeFactor, 1.0);
  const bool is_linear = type == "linear" || (type == "none" && old_factor != 1.0);
  if (type != "none" && type != "linear" && type != "yarn")
    fields.wrong("llama.rope.scaling.type", "none, linear or yarn");
  if (is_linear || type == "yarn") {
    rope.scaling = is_linear ? RopeScaling::kLinear : RopeScaling::kYarn;
    rope.factor =
        type == "none" ? old_factor : fields.number("llama.rope.scaling.factor", 1.0, kMaxRopeFactor);
  }
  if (rope.scaling == RopeScaling::kYarn) read_yarn(fields, rope);
  const GgufTensor* divisors = header.tensor(kDivisors);
  if (divisors == nullptr) return;
  if (rope.scaling != RopeScaling::kNone) {
    fields.wrong("llama.rope.scaling.type",
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

}  // namespace

ModelConfig config_of_gguf(const GgufHeader& header, std::span<const std::byte> data,
                           const std::string& source) {
  const Json json = gguf_fields(header);
  const JsonObject fields(json, source);
  require_llama(fields);
  ModelConfig config;
  read_sizes(fields, header, config);
  refuse_unsupported(fields, config);
  read_rope(fields, header, data, config);
  config.architecture = config.sliding_window > 0 ? "MistralForCausalLM" : "LlamaForCausalLM";
  config.tie_word_embeddings = header.tensor("output.weight") == nullptr;
  config.attention_bias = header.tensor("blk.0.attn_q.bias") != nullptr;
  config.output_bias = config.attention_bias;
  config.mlp_bias = header.tensor("blk.0.ffn_gate.bias") != nullptr;
  config.dtype = most_common_dtype(header);
  read_tokens(fields, header, config);
  return config;
}

}  // namespace caravan
