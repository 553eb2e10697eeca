// Which GGUF file a model path means, and the file itself.
// Thread safety: pure functions; an open file may be read from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/gguf/container.h"

namespace caravan {

/// What llama.cpp calls the architectures that Caravan reads: kLlama is LLaMA, Mistral and Mixtral, whose
/// rows of q and k its converter permutes; kQwen2Moe's lie as they were.
enum class GgufArchitecture : uint8_t { kLlama, kQwen2Moe };

/// The most experts of a model, several times those of any published one.
constexpr int64_t kMaxExperts = 4096;

/// One mapped GGUF file of such a model with its checked header.
struct GgufFile {
  MappedFile file;
  GgufHeader header;
};

/// Throws Error unless `path` is a folder that can be read or a file whose name ends in .gguf. `flag` is
/// where the user named it.
void require_model_path(const std::filesystem::path& path, const std::string& flag);

/// The GGUF file that `model_path` means: itself if it ends in .gguf, or the one that a folder without
/// safetensors holds. Nothing if there is none. Throws Error if the folder holds several.
std::optional<std::filesystem::path> find_gguf(const std::filesystem::path& model_path);

/// Throws Error, naming the file, on what is no GGUF file of a whole model of such an architecture.
GgufFile open_gguf(const std::filesystem::path& path);

/// The architecture that the metadata names. Throws Error unless the file is a whole model of it.
GgufArchitecture architecture_of(const JsonObject& fields);

/// The key `name` of the architecture's own metadata: "llama.block_count" of "block_count".
std::string gguf_key(GgufArchitecture architecture, std::string_view name);

}  // namespace caravan
