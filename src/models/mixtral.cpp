// Mixtral: Jiang et al., 2024, arXiv:2401.04088. Qwen2-MoE, which adds an expert of all tokens and may have
// layers with an MLP: Yang et al., 2024, arXiv:2407.10671.
#include "models/mixtral.h"

#include <utility>

#include "base/error.h"
#include "models/decoder.h"

namespace caravan {

namespace {

/// What checkpoints call the parts of a mixture.
struct MixtureNames {
  const char* block;
  const char* gate;
  const char* up;
  const char* down;
};

constexpr MixtureNames kMixtral = {".block_sparse_moe", ".w1.weight", ".w3.weight", ".w2.weight"};
/// Of models with a shared expert.
constexpr MixtureNames kQwen = {".mlp", ".gate_proj.weight", ".up_proj.weight", ".down_proj.weight"};

/// As FeedForward.
ValueId mixture(GraphBuilder& graph, const ModelConfig& config, int64_t layer, ValueId residual, ValueId x) {
  const MixtureConfig& experts = *config.mixture;
  const bool has_shared = experts.shared_intermediate_size > 0;
  const MixtureNames& names = has_shared ? kQwen : kMixtral;
  const std::string block = layer_name(layer) + names.block;
  const auto matrices = [&block](const char* name) { return ExpertNames{block + ".experts.", name}; };

  const ValueId logits = graph.linear(x, {block + ".gate.weight"}, experts.experts);
  const Routing routing = graph.route(logits, experts.chosen, experts.renormalize);
  const ValueId gate = graph.expert_linear(x, matrices(names.gate), experts.intermediate_size, routing);
  const ValueId up = graph.expert_linear(x, matrices(names.up), experts.intermediate_size, routing);
  const ValueId down =
      graph.grouped_linear(graph.silu_mul(gate, up), matrices(names.down), config.hidden_size, routing);
  if (!has_shared) return graph.combine_experts(residual, down, routing);

  const ValueId shared =
      swiglu_mlp(graph, config, block + ".shared_expert", experts.shared_intermediate_size, x);
  const ValueId shared_gate = graph.linear(x, {block + ".shared_expert_gate.weight"}, 1);
  return graph.combine_experts(residual, down, routing, shared, shared_gate);
}

}  // namespace

Graph record_mixtral(const ModelConfig& config, Precision precision) {
  CARAVAN_CHECK(config.mixture.has_value());
  const auto feed_forward = [&config](GraphBuilder& graph, int64_t layer, ValueId residual, ValueId x) {
    if (!config.mixture->mlp_layers.contains(layer)) return mixture(graph, config, layer, residual, x);
    const std::string prefix = layer_name(layer) + ".mlp";
    return graph.add(residual, swiglu_mlp(graph, config, prefix, config.intermediate_size, x));
  };
  return record_decoder(config, std::move(precision), feed_forward);
}

}  // namespace caravan
