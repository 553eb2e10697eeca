// What a checkpoint's generation_config.json recommends for sampling.
// Thread safety: a value type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan {

/// Every field is as in the file, or nothing. As in transformers, temperature, top_k, top_p, min_p and
/// typical_p count only where do_sample is true: without it a checkpoint asks for greedy decoding.
struct GenerationConfig {
  bool do_sample = false;
  std::optional<double> temperature;
  std::optional<int64_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> typical_p;
  std::optional<double> repetition_penalty;
  std::vector<int32_t> eos_tokens = {};  ///< the file may hold one or a list
};

/// Reads the generation_config.json of the folder `model_path`; all defaults if there is none, as for a GGUF
/// file. Throws Error, naming file and field,
/// on what is malformed or out of range.
GenerationConfig load_generation_config(const std::filesystem::path& model_path);

/// The same from the text of the file; `source` is its path, for messages.
GenerationConfig parse_generation_config(std::string_view text, const std::string& source);

}  // namespace caravan
