#include "checkpoint/gguf/model_file.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace caravan {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kExtension = ".gguf";

/// By GgufArchitecture.
constexpr std::array<std::string_view, 2> kArchitectures = {"llama", "qwen2moe"};

}  // namespace

void require_model_path(const fs::path& path, const std::string& flag) {
  std::error_code error;
  if (path.extension() != kExtension || fs::is_directory(path, error)) return require_folder(path, flag);
  if (!file_exists(path)) fail(flag, ": there is no file ", in_quotes(path.string()));
}

std::optional<fs::path> find_gguf(const fs::path& model_path) {
  std::error_code error;
  if (!fs::is_directory(model_path, error)) {
    if (model_path.extension() == kExtension) return model_path;
    return std::nullopt;
  }
  std::optional<fs::path> found;
  size_t count = 0;
  for (fs::directory_iterator at(model_path, error), end; !error && at != end; at.increment(error)) {
    const fs::path& path = at->path();
    if (path.extension() == ".safetensors") return std::nullopt;
    if (path.extension() != kExtension) continue;
    ++count;
    found = path;
  }
  if (count > 1) {
    fail(model_path.string(), ": holds ", count,
         " GGUF files, expected one, or a --model-path that names the file itself");
  }
  return found;
}

GgufArchitecture architecture_of(const JsonObject& fields) {
  constexpr int64_t kMaxParts = 65'535;
  const std::string name = fields.string("general.architecture");
  const auto* const found = std::find(kArchitectures.begin(), kArchitectures.end(), name);
  if (found == kArchitectures.end()) {
    fields.wrong("general.architecture",
                 "llama or qwen2moe, the architectures that Caravan reads from GGUF files");
  }
  const int64_t parts = fields.integer_or("split.count", 0, kMaxParts, 1);
  if (parts > 1) fields.wrong("split.count", "a whole model: join its parts by llama-gguf-split --merge");
  return static_cast<GgufArchitecture>(found - kArchitectures.begin());
}

std::string gguf_key(GgufArchitecture architecture, std::string_view name) {
  return std::string(kArchitectures.at(static_cast<size_t>(architecture))).append(".").append(name);
}

GgufFile open_gguf(const fs::path& path) {
  MappedFile file(path);
  GgufHeader header = parse_gguf_header(file.bytes(), path.string());
  const Json fields = gguf_fields(header);
  architecture_of(JsonObject(fields, path.string()));
  return {std::move(file), std::move(header)};
}

}  // namespace caravan
