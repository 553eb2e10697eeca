// Touvron et al., 2023, arXiv:2302.13971; grouped-query attention: arXiv:2307.09288; sliding window:
// arXiv:2310.06825.
#include "models/decoder.h"

#include <cmath>
#include <utility>

namespace caravan {

namespace {

/// Names the weights of one module: "PREFIX.weight", and "PREFIX.bias" if the config says that it has one.
ValueId linear(GraphBuilder& graph, ValueId x, const std::string& prefix, int64_t out, bool bias) {
  return graph.linear(x, {prefix + ".weight"}, out, bias ? prefix + ".bias" : "");
}

/// x: [tokens, hidden], normed. Returns what attention adds to the residual stream, [tokens, hidden].
ValueId self_attention(GraphBuilder& graph, const ModelConfig& config, const std::string& layer, ValueId x,
                       ValueId angles) {
  const std::string prefix = layer + ".self_attn";
  const int64_t q_width = config.num_heads * config.head_dim;
  const int64_t kv_width = config.num_kv_heads * config.head_dim;
  const ValueId q = linear(graph, x, prefix + ".q_proj", q_width, config.attention_bias);
  const ValueId k = linear(graph, x, prefix + ".k_proj", kv_width, config.attention_bias);
  const ValueId v = linear(graph, x, prefix + ".v_proj", kv_width, config.attention_bias);
  AttentionSpec spec = {
      .head_dim = config.head_dim,
      .kv_heads = config.num_kv_heads,
      .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.head_dim))),
      .window = config.sliding_window,
  };
  if (const KvCacheQuant* quant = config.kv_cache_quant(); quant != nullptr && !quant->dynamic) {
    spec.k_scale = prefix + ".k_scale";
    spec.v_scale = prefix + ".v_scale";
    spec.scale_rows = quant->per_head ? config.num_kv_heads : 1;
  }
  const ValueId mixed = graph.attention(graph.rope(q, angles), graph.rope(k, angles), v, spec);
  return linear(graph, mixed, prefix + ".o_proj", config.hidden_size, config.output_bias);
}

}  // namespace

std::string layer_name(int64_t layer) { return "model.layers." + std::to_string(layer); }

ValueId swiglu_mlp(GraphBuilder& graph, const ModelConfig& config, const std::string& prefix,
                   int64_t intermediate, ValueId x) {
  const ValueId gate = linear(graph, x, prefix + ".gate_proj", intermediate, config.mlp_bias);
  const ValueId up = linear(graph, x, prefix + ".up_proj", intermediate, config.mlp_bias);
  return linear(graph, graph.silu_mul(gate, up), prefix + ".down_proj", config.hidden_size, config.mlp_bias);
}

Graph record_decoder(const ModelConfig& config, Precision precision, const FeedForward& feed_forward) {
  // A tied checkpoint stores the one table under either name.
  const std::string embedding = "model.embed_tokens.weight";
  const std::string head = "lm_head.weight";
  using Names = std::vector<std::string>;
  const Names tied = {embedding, head};

  GraphBuilder graph(std::move(precision));
  const ValueId angles = graph.rope_angles(config.head_dim, config.rope.attention_factor);
  ValueId x = graph.embedding(config.tie_word_embeddings ? tied : Names{embedding}, config.vocab_size,
                              config.hidden_size);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const std::string layer = layer_name(i);
    const ValueId normed = graph.rms_norm(x, layer + ".input_layernorm.weight", config.rms_norm_eps);
    x = graph.add(x, self_attention(graph, config, layer, normed, angles));
    const ValueId normed_again =
        graph.rms_norm(x, layer + ".post_attention_layernorm.weight", config.rms_norm_eps);
    x = feed_forward(graph, i, x, normed_again);
  }
  x = graph.rms_norm(graph.take_logit_rows(x), "model.norm.weight", config.rms_norm_eps);
  return graph.finish(graph.linear(x, config.tie_word_embeddings ? tied : Names{head}, config.vocab_size));
}

}  // namespace caravan
