#include "checkpoint/quantized/config.h"

#include <algorithm>

#include "base/error.h"
#include "checkpoint/quantized/config_methods.h"

namespace caravan {

const QuantScheme* CompressedTensorsConfig::scheme_of(std::string_view module) const {
  const auto matches = [module](const ModulePattern& pattern) { return pattern.matches(module); };
  if (std::any_of(ignore.begin(), ignore.end(), matches)) return nullptr;
  using Kind = ModulePattern::Kind;
  for (const Kind kind : {Kind::kName, Kind::kExpression, Kind::kLinear}) {
    for (const QuantGroup& group : groups) {
      for (const ModulePattern& target : group.targets) {
        if (target.kind() == kind && target.matches(module)) return &group.scheme;
      }
    }
  }
  return nullptr;
}

std::optional<QuantizationConfig> parse_quantization_config(const Json& config, const std::string& source) {
  const JsonObject root(config, source);
  std::optional<JsonObject> fields = root.object("quantization_config");
  if (!fields) fields = root.object("compression_config");
  if (!fields) return std::nullopt;
  const std::string method = fields->string("quant_method");
  if (method == "compressed-tensors") return parse_compressed_tensors_config(*fields);
  if (method == "gptq") return parse_gptq_config(*fields);
  if (method == "awq") return parse_awq_config(*fields);
  fields->wrong("quant_method", R"("compressed-tensors", "gptq" or "awq")");
}

}  // namespace caravan
