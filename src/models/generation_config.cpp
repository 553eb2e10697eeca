#include "models/generation_config.h"

#include <limits>

#include "base/file.h"
#include "base/json.h"

namespace caravan {

namespace {

/// Far above any real file of this kind (a few hundred bytes).
constexpr uint64_t kMaxBytes = 1'000'000;

std::optional<double> number(const JsonObject& object, const std::string& name, double low, double high) {
  if (!object.has(name)) return std::nullopt;
  return object.number(name, low, high);
}

}  // namespace

GenerationConfig parse_generation_config(std::string_view text, const std::string& source) {
  const Json json = parse_json(text, source);
  const JsonObject object(json, source);
  GenerationConfig config;
  config.do_sample = object.boolean_or("do_sample", false);
  config.temperature = number(object, "temperature", 0.0, 100.0);
  config.top_p = number(object, "top_p", 0.0, 1.0);
  config.min_p = number(object, "min_p", 0.0, 1.0);
  config.typical_p = number(object, "typical_p", 0.0, 1.0);
  config.repetition_penalty = number(object, "repetition_penalty", 0.01, 100.0);
  constexpr int64_t kMaxToken = std::numeric_limits<int32_t>::max();
  if (object.has("top_k")) config.top_k = object.integer("top_k", 0, kMaxToken);
  const Json* eos = object.find("eos_token_id");
  if (eos == nullptr) return config;
  if (!eos->is_array()) {
    config.eos_tokens.push_back(static_cast<int32_t>(object.integer("eos_token_id", 0, kMaxToken)));
    return config;
  }
  for (const Json& token : *eos) {
    if (!token.is_number_unsigned() || token.get<uint64_t>() > static_cast<uint64_t>(kMaxToken)) {
      object.wrong("eos_token_id", "a token id or a list of them");
    }
    config.eos_tokens.push_back(token.get<int32_t>());
  }
  return config;
}

GenerationConfig load_generation_config(const std::filesystem::path& model_path) {
  const std::filesystem::path path = model_path / "generation_config.json";
  if (!file_exists(path)) return {};
  return parse_generation_config(read_file(path, kMaxBytes), path.string());
}

}  // namespace caravan
