#include "models/llama.h"

#include <utility>

#include "models/decoder.h"

namespace caravan {

Graph record_llama(const ModelConfig& config, Precision precision) {
  const auto mlp = [&config](GraphBuilder& graph, int64_t layer, ValueId residual, ValueId x) {
    return graph.add(residual,
                     swiglu_mlp(graph, config, layer_name(layer) + ".mlp", config.intermediate_size, x));
  };
  return record_decoder(config, std::move(precision), mlp);
}

}  // namespace caravan
