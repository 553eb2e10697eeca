// The mixture of experts in a config.json. Internal to config.cpp.
// Thread safety: a pure function.
#pragma once

#include <optional>

#include "base/json.h"
#include "models/config.h"

namespace caravan {

/// Whose names the fields have.
enum class MixtureKind : uint8_t { kNone, kMixtral, kQwen2Moe };

/// Reads the mixture of a config whose sizes are in `config` already; nothing for kNone. Throws Error, naming
/// file and field.
std::optional<MixtureConfig> read_mixture(const JsonObject& root, MixtureKind kind,
                                          const ModelConfig& config);

}  // namespace caravan
