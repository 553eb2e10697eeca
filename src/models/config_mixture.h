// The mixture of experts in a config.json or in GGUF metadata. Internal to config.cpp and its neighbours.
// Thread safety: pure functions.
#pragma once

#include <optional>

#include "base/json.h"
#include "checkpoint/gguf/model_file.h"
#include "models/config.h"

namespace caravan {

/// Whose names the fields have.
enum class MixtureKind : uint8_t { kNone, kMixtral, kQwen2Moe };

/// Reads the mixture of a config whose sizes are in `config` already; nothing for kNone. Throws Error, naming
/// file and field.
std::optional<MixtureConfig> read_mixture(const JsonObject& root, MixtureKind kind,
                                          const ModelConfig& config);

/// The same from GGUF metadata; nothing for a model of kLlama without experts. All layers have the mixture,
/// as for llama.cpp, which adds the weights of the chosen experts up to 1 for kLlama and leaves kQwen2Moe's.
std::optional<MixtureConfig> read_gguf_mixture(const JsonObject& fields, GgufArchitecture architecture,
                                               const ModelConfig& config);

}  // namespace caravan
