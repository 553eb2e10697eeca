// What a checkpoint's config.json or GGUF metadata says of its model, checked and with every default filled
// in.
//
// Invariants: every size is at least 1 and small enough that products of two of them fit in 64 bits;
// num_heads is a multiple of num_kv_heads; head_dim is even; no more experts are chosen than there are.
// Thread safety: a value type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/quantized/config.h"
#include "tensor/kv_layout.h"

namespace caravan {

/// How rotary angles are stretched beyond the context that a model was first trained on. The formulas and
/// their sources stand at rope_inverse_frequencies() in models/rope.h.
enum class RopeScaling : uint8_t { kNone, kLinear, kDynamic, kLlama3, kYarn, kDivisors };

struct RopeConfig {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  /// The context that the model was trained on before scaling, in tokens.
  int64_t original_max_position = 0;
  double low_freq_factor = 1.0;   ///< llama3
  double high_freq_factor = 4.0;  ///< llama3
  double beta_fast = 32.0;        ///< yarn
  double beta_slow = 1.0;         ///< yarn
  bool truncate = true;           ///< yarn: whether the correction range is rounded to whole dimensions
  /// yarn: what cos and sin are multiplied by, worked out from attention_factor, mscale and mscale_all_dim.
  double attention_factor = 1.0;
  /// kDivisors: what the frequency of each pair of dimensions is divided by, [head_dim / 2], all above 0: how
  /// GGUF files store llama3's scaling.
  std::vector<float> divisors = {};
};

/// The longest context that a config may ask for, in tokens: three times the longest published.
constexpr int64_t kMaxPosition = int64_t{1} << 25U;

/// A mixture of experts in the place of the MLP (models/mixtral.cpp).
struct MixtureConfig {
  int64_t experts = 0;
  int64_t chosen = 0;                    ///< how many of them compute a token
  int64_t intermediate_size = 0;         ///< of each
  int64_t shared_intermediate_size = 0;  ///< of an expert that computes every token; 0: there is none
  bool renormalize = true;               ///< whether the weights of the chosen ones add up to 1
  std::set<int64_t> mlp_layers;          ///< that have an MLP instead, of ModelConfig::intermediate_size
};

struct ModelConfig {
  std::string architecture;  ///< as in "architectures": "LlamaForCausalLM", "MixtralForCausalLM"
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;  ///< of MLPs; where all layers have a mixture, whatever the config says
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t vocab_size = 0;
  int64_t max_position = 0;  ///< the context length in tokens, scaling included
  double rms_norm_eps = 1e-6;
  bool tie_word_embeddings = false;
  bool attention_bias = false;  ///< of q, k and v
  bool output_bias = false;     ///< of attention's o
  bool mlp_bias = false;
  std::optional<MixtureConfig> mixture = std::nullopt;  ///< of models that have one
  /// A token attends to itself and the `sliding_window - 1` tokens before it; 0 means to all.
  int64_t sliding_window = 0;
  RopeConfig rope;
  DType dtype = DType::kF32;  ///< what "torch_dtype" or "dtype" names; fp32 where neither is there
  std::optional<QuantizationConfig> quantization;  ///< how the checkpoint's matrices are quantised
  std::optional<int32_t> bos_token;
  std::vector<int32_t> eos_tokens;  ///< config.json may hold one or a list

  /// How keys and values are quantised; nullptr where the checkpoint does not say.
  [[nodiscard]] const KvCacheQuant* kv_cache_quant() const;
  /// Parameters of the model as this config describes it, tied embeddings counted once.
  [[nodiscard]] int64_t parameters() const;
  /// Those that compute a token: of a mixture, its chosen experts only.
  [[nodiscard]] int64_t active_parameters() const;
  /// Bytes of K and V of one token over all layers, scales included.
  [[nodiscard]] int64_t kv_bytes_per_token(DType kv_dtype) const;

 private:
  /// Parameters where so many experts of a mixture count.
  [[nodiscard]] int64_t parameters_with(int64_t experts) const;
};

/// Reads the config.json of the folder `model_path`, or the metadata of the GGUF file that it means
/// (checkpoint/gguf/model_file.h). Throws Error, naming file and field, on anything missing, malformed, out
/// of range, contradictory, or unsupported (architecture, hidden_act, rope type).
ModelConfig load_config(const std::filesystem::path& model_path);

/// The same from the text of a config.json; `source` is its path, for messages.
ModelConfig parse_config(std::string_view text, const std::string& source);

}  // namespace caravan
