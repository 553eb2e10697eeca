#include "models/config_mixture.h"

#include "base/error.h"
#include "models/config_limits.h"

namespace caravan {

namespace {

/// Several times those of any published model.
constexpr int64_t kMaxExperts = 4096;

/// Fields of counts, and their values where the config has none, as transformers' config classes have it.
struct CountFields {
  const char* experts;
  int64_t usual_experts;
  int64_t usual_chosen;
};

MixtureConfig read_counts(const JsonObject& root, const CountFields& fields) {
  MixtureConfig mixture;
  mixture.experts = root.integer_or(fields.experts, 1, kMaxExperts, fields.usual_experts);
  mixture.chosen = root.integer_or("num_experts_per_tok", 1, kMaxExperts, fields.usual_chosen);
  if (mixture.chosen > mixture.experts) {
    fail(root.source(), ": field \"num_experts_per_tok\" is ", mixture.chosen, ", expected at most ",
         fields.experts, ", which is ", mixture.experts);
  }
  return mixture;
}

/// So that the number of all parameters keeps within the limits of models/config_limits.h.
void require_width(const JsonObject& root, const MixtureConfig& mixture) {
  const int64_t width = mixture.experts * mixture.intermediate_size;
  if (width <= kMaxWidth) return;
  fail(root.source(), ": ", mixture.experts, " experts of ", mixture.intermediate_size,
       " intermediate values are ", width, " in all, expected at most ", kMaxWidth);
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

}  // namespace caravan
