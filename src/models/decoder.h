// What all decoders have in common: the stream of layers, attention and the SwiGLU MLP. What stands in the
// place of the MLP is what a model's own file records.
// Thread safety: pure functions of the builder that they are given.
#pragma once

#include <functional>
#include <string>

#include "graph/builder.h"
#include "models/config.h"

namespace caravan {

/// Records what follows attention in a layer. `residual` is the stream, [tokens, hidden], and x the same
/// normed. Returns the stream with what was made of x added.
using FeedForward = std::function<ValueId(GraphBuilder& graph, int64_t layer, ValueId residual, ValueId x)>;

/// "model.layers.3".
std::string layer_name(int64_t layer);

/// x: [tokens, hidden], normed. Returns what the SwiGLU MLP `prefix` of so many intermediate values makes of
/// it, [tokens, hidden].
ValueId swiglu_mlp(GraphBuilder& graph, const ModelConfig& config, const std::string& prefix,
                   int64_t intermediate, ValueId x);

/// Records the whole model: token ids in, logits of the wanted rows out. Weight names are Hugging Face's.
Graph record_decoder(const ModelConfig& config, Precision precision, const FeedForward& feed_forward);

}  // namespace caravan
