#include "models/config_mixture.h"

#include <algorithm>

#include "base/error.h"
#include "models/config_limits.h"

namespace caravan {

namespace {

/// Fields of counts, and their values where the config has none, as transformers' config classes have it.
struct CountFields {
  const char* experts;
  int64_t usual_experts;
  int64_t usual_chosen;
};

void require_enough(const JsonObject& root, const MixtureConfig& mixture, const std::string& experts,
                    const std::string& chosen) {
  if (mixture.chosen <= mixture.experts) return;
  fail(root.source(), ": field ", in_quotes(chosen), " is ", mixture.chosen, ", expected at most ", experts,
       ", which is ", mixture.experts);
}

MixtureConfig read_counts(const JsonObject& root, const CountFields& fields) {
  MixtureConfig mixture;
  mixture.experts = root.integer_or(fields.experts, 1, kMaxExperts, fields.usual_experts);
  mixture.chosen = root.integer_or("num_experts_per_tok", 1, kMaxExperts, fields.usual_chosen);
  require_enough(root, mixture, fields.experts, "num_experts_per_tok");
  return mixture;
}

/// So that the number of all parameters keeps within the limits of models/config_limits.h.
void require_width(const JsonObject& root, const MixtureConfig& mixture) {
  const int64_t width = mixture.experts * mixture.intermediate_size;
  if (width <= kMaxWidth) return;
  fail(root.source(), ": ", mixture.experts, " experts of ", mixture.intermediate_size,
       " intermediate values are ", width, " in all, expected at most ", kMaxWidth);
}

/// What GGUF files say of other mixtures' ways to choose and weigh experts.
void refuse_other_routing(const JsonObject& fields, GgufArchitecture architecture) {
  // Softmax, as llama.cpp numbers the functions; 0 is none said.
  constexpr int64_t kSoftmax = 1;
  const std::string scale = gguf_key(architecture, "expert_weights_scale");
  const double factor = fields.number_or(scale, 0.0, kMaxRopeFactor, 1.0);
  if (factor != 0.0 && factor != 1.0) fields.wrong(scale, "1: Caravan weighs experts by their softmax alone");
  const std::string function = gguf_key(architecture, "expert_gating_func");
  if (fields.integer_or(function, 0, INT32_MAX, kSoftmax) > kSoftmax)
    fields.wrong(function, "1, which is softmax: Caravan chooses experts by it alone");
  const std::string groups = gguf_key(architecture, "expert_group_count");
  if (fields.integer_or(groups, 0, INT32_MAX, 0) > 1)
    fields.wrong(groups, "1: Caravan chooses experts among all of them");
}

/// Layers that have an MLP: those named, and all but every so many'th.
std::set<int64_t> read_mlp_layers(const JsonObject& root, int64_t num_layers) {
  std::set<int64_t> layers;
  const int64_t step = root.integer_or("decoder_sparse_step", 1, kMaxLayers, 1);
  for (int64_t layer = 0; layer < num_layers; ++layer)
    if ((layer + 1) % step != 0) layers.insert(layer);
  const Json* named = root.array("mlp_only_layers");
  if (named == nullptr) return layers;
  for (const Json& each : *named) {
    const bool fits = each.is_number_unsigned() && each.get<uint64_t>() < static_cast<uint64_t>(num_layers);
    if (!fits)
      root.wrong("mlp_only_layers", "numbers of layers, from 0 to " + std::to_string(num_layers - 1));
    layers.insert(each.get<int64_t>());
  }
  return layers;
}

}  // namespace

std::optional<MixtureConfig> read_mixture(const JsonObject& root, MixtureKind kind,
                                          const ModelConfig& config) {
  MixtureConfig mixture;
  switch (kind) {
    case MixtureKind::kNone:
      return std::nullopt;
    case MixtureKind::kMixtral:
      mixture = read_counts(root, {"num_local_experts", 8, 2});
      mixture.intermediate_size = config.intermediate_size;
      break;
    case MixtureKind::kQwen2Moe:
      mixture = read_counts(root, {"num_experts", 60, 4});
      mixture.intermediate_size = root.integer_or("moe_intermediate_size", 1, kMaxWidth, 1408);
      mixture.shared_intermediate_size =
          root.integer_or("shared_expert_intermediate_size", 1, kMaxWidth, 5632);
      mixture.renormalize = root.boolean_or("norm_topk_prob", false);
      mixture.mlp_layers = read_mlp_layers(root, config.num_layers);
      break;
  }
  require_width(root, mixture);
  return mixture;
}

std::optional<MixtureConfig> read_gguf_mixture(const JsonObject& fields, GgufArchitecture architecture,
                                               const ModelConfig& config) {
  const auto key = [architecture](const char* name) { return gguf_key(architecture, name); };
  const bool is_llama = architecture == GgufArchitecture::kLlama;
  const std::string experts = key("expert_count");
  if (is_llama && fields.integer_or(experts, 0, kMaxExperts, 0) == 0) return std::nullopt;
  MixtureConfig mixture;
  mixture.experts = fields.integer(experts, 1, kMaxExperts);
  mixture.chosen = fields.integer(key("expert_used_count"), 1, kMaxExperts);
  require_enough(fields, mixture, experts, key("expert_used_count"));
  mixture.renormalize = fields.boolean_or(key("expert_weights_norm"), is_llama);
  if (is_llama) {
    mixture.intermediate_size = config.intermediate_size;
  } else {
    // Files from before these keys: llama.cpp takes the sizes that Qwen1.5-MoE has.
    const int64_t usual = std::max<int64_t>(1, config.intermediate_size / mixture.chosen);
    mixture.intermediate_size = fields.integer_or(key("expert_feed_forward_length"), 1, kMaxWidth, usual);
    mixture.shared_intermediate_size =
        fields.integer_or(key("expert_shared_feed_forward_length"), 1, kMaxWidth, config.intermediate_size);
  }
  refuse_other_routing(fields, architecture);
  require_width(fields, mixture);
  return mixture;
}

}  // namespace caravan
