// config.json: whatever the text, an Error or a config that keeps the invariants of models/config.h.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "models/config.h"

namespace {

void require_invariants(const caravan::ModelConfig& config) {
  for (const int64_t size : {config.hidden_size, config.intermediate_size, config.num_layers,
                             config.num_kv_heads, config.head_dim, config.vocab_size, config.max_position}) {
    if (size < 1) std::abort();
  }
  if (config.num_heads % config.num_kv_heads != 0 || config.head_dim % 2 != 0) std::abort();
  if (config.parameters() < 1) std::abort();
  if (config.mixture) {
    const caravan::MixtureConfig& mixture = *config.mixture;
    if (mixture.chosen < 1 || mixture.chosen > mixture.experts || mixture.intermediate_size < 1) std::abort();
    for (const int64_t layer : mixture.mlp_layers)
      if (layer < 0 || layer >= config.num_layers) std::abort();
    if (config.active_parameters() > config.parameters()) std::abort();
  }
  // The largest cache that anyone could ask for must still fit.
  int64_t bytes = 0;
  if (__builtin_mul_overflow(config.kv_bytes_per_token(caravan::DType::kF32), config.max_position, &bytes))
    std::abort();
  for (const double value :
       {config.rope.theta, config.rope.factor, config.rope.attention_factor, config.rms_norm_eps}) {
    if (!std::isfinite(value)) std::abort();
  }
  if (config.rope.theta < 2.0 || config.rope.factor < 1.0 || config.rope.original_max_position < 1)
    std::abort();
  for (const int32_t token : config.eos_tokens) {
    if (token < 0 || token >= config.vocab_size) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    require_invariants(caravan::parse_config({reinterpret_cast<const char*>(data), size}, "fuzz"));
  } catch (const caravan::Error&) {
  }
  return 0;
}
