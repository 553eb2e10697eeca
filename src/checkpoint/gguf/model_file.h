// Which GGUF file a model path means, and the file itself.
// Thread safety: pure functions; an open file may be read from any thread.
#pragma once

#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/gguf/container.h"

namespace caravan {

/// One mapped GGUF file of a LLaMA-family model with its checked header.
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

/// Throws Error, naming the file, on what is no GGUF file of a whole model of the architecture "llama", which
/// is what llama.cpp makes of LLaMA and Mistral checkpoints.
GgufFile open_gguf(const std::filesystem::path& path);

/// Throws Error unless the metadata says that the file is such a model.
void require_llama(const JsonObject& fields);

}  // namespace caravan
